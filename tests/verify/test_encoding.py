"""Sides that differ in encoding alone: named, taken away by `--normalise`, and verified with what was left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import auditor
from auditor.report.json_ import JSON
from auditor.report.renderer import render
from auditor.results.io import with_content_digest
from auditor.results.policy import Policy
from auditor.results.result import AuditResult
from auditor.verify.check import verify
from auditor.verify.subject import Subject

WORDS = "the quick brown fox jumps over lazy dog while seven wizards mix boxes of liquid jugs and in town".split()
POLICY = Policy(
    alpha=0.02, minimum_groups=6, ordered_share=0.501, blind_alpha=0.02, clusters_alpha=0.02, controls_alpha=0.02
)


def write(folder: Path, seed: int, space: str) -> Path:
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for number in range(16):
        (folder / f"{number}.txt").write_text(space.join(rng.choice(WORDS, 12)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory, make_tiny_model: Callable[..., Path]) -> Callable[..., AuditResult]:
    folder = tmp_path_factory.mktemp("encoding")
    suspect, heldout = write(folder / "suspect", 1, "\u00a0"), write(folder / "heldout", 2, " ")
    (suspect / "scan.pdf").write_bytes(b"%PDF-1.7")
    (suspect / ".hidden").write_text("x")
    model = make_tiny_model(folder / "model")

    def run(**settings: bool) -> AuditResult:
        return auditor.check(
            suspect,
            heldout,
            model=model,
            features="single-pass",
            permutations=99,
            policy=POLICY,
            device="cpu",
            cache_dir=folder / "store",
            **settings,  # type: ignore[arg-type]
        )

    return run


@pytest.fixture(scope="module")
def apart(audit: Callable[..., AuditResult]) -> AuditResult:
    return audit()


def data_check(result: AuditResult) -> str:
    sources = {"suspect": result.suspect.source, "heldout": result.heldout.source}
    return verify(Subject(result, JSON.render(result).encode(), data=sources))["data"].status


def test_the_difference_and_its_remedy_are_the_reason(apart: AuditResult, audit: Callable[..., AuditResult]) -> None:
    assert (apart.verdict.outcome, apart.verdict.reason) == ("INCONCLUSIVE", "guard:blind")
    assert "16 of 16 suspect and 0 of 16 held-out groups have no-break or typographic spaces" in apart.verdict.sentence
    assert apart.verdict.remediation.startswith("Run again with --normalise")
    again = audit(normalise=True)
    assert again.manifest.configuration["normalise"] is True
    assert "encoding" not in again.guards[0].reason
    assert again.measurements is not None
    assert again.measurements.encoding.spaces == (0, 0)
    assert again.suspect.sha256 != apart.suspect.sha256
    assert again.heldout.sha256 == apart.heldout.sha256
    assert data_check(again) == "passed"


def test_what_was_left_out_is_said_in_every_output(apart: AuditResult) -> None:
    words = "suspect: 1 other file (1 .pdf), 1 hidden file"
    assert f"Left out  {words}" in render(apart, "text")
    for name in ("html", "markdown"):
        assert words in render(apart, name)
    assert (apart.suspect.skipped_kinds, apart.suspect.hidden_files) == ({".pdf": 1}, 1)
    assert "Left out" not in render(apart.model_copy(update={"suspect": apart.heldout}), "text")


def test_both_are_verified_with_the_data(apart: AuditResult) -> None:
    assert data_check(apart) == "passed"
    assert apart.measurements is not None
    kinds = apart.suspect.model_copy(update={"skipped_kinds": {".pdf": 2}})
    encoding = apart.measurements.encoding.model_copy(update={"soft_hyphens": (1, 0)})
    measured = apart.measurements.model_copy(update={"encoding": encoding})
    for changed in ({"suspect": kinds}, {"measurements": measured}):
        assert data_check(with_content_digest(apart.model_copy(update=changed))) == "failed"
