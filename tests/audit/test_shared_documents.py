"""A few documents on both sides are left out before anything is scored, and every output says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.texts import WORDS

import auditor
from auditor.core.errors import UsageError
from auditor.report.html import HTML
from auditor.report.renderer import write_outputs
from auditor.report.terminal import summary
from auditor.results.io import load_result
from auditor.results.policy import Policy
from auditor.results.result import AuditResult

POLICY = Policy(alpha=0.02, blind_alpha=0.02, clusters_alpha=0.02, controls_alpha=0.02)


def write(path: Path, seed: int, copies: dict[int, str], count: int = 40) -> Path:
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, size=30)) for _ in range(count)]
    texts = [copies.get(index, text) for index, text in enumerate(texts)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_tiny_model: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    make_tiny_model(folder / "model")
    base = " ".join(np.random.default_rng(9).choice(WORDS, size=90))
    write(folder / "suspect.jsonl", 1, {3: base, 30: "a text of few words that both sides have"})
    write(folder / "heldout.jsonl", 2, {0: f"{base} more", 7: "A text of few words that both sides have"})
    return folder


def check(folder: Path, **changes: object) -> AuditResult:
    given: dict[str, object] = {
        "model": folder / "model",
        "features": "single-pass",
        "permutations": 99,
        "policy": POLICY,
        "cache_dir": folder / "cache",
        **changes,
    }
    return auditor.check(folder / "suspect.jsonl", folder / "heldout.jsonl", **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def result(folder: Path) -> AuditResult:
    result = check(folder, reveal=True)
    write_outputs(result, [folder / "result.json"])
    return load_result(folder / "result.json")


def test_shared_documents_are_left_out_of_both_sides(result: AuditResult) -> None:
    assert (result.suspect.documents, result.suspect.dropped_shared) == (38, 2)
    assert (result.heldout.documents, result.heldout.dropped_shared) == (38, 2)
    assert (result.membership.groups_suspect, result.membership.groups_heldout) == (38, 38)
    assert [(d.role, d.index, d.cluster, d.relation) for d in result.left_out] == [
        ("suspect", 3, 0, "near"),
        ("heldout", 0, 0, "near"),
        ("suspect", 30, 1, "exact"),
        ("heldout", 7, 1, "exact"),
    ]
    assert result.manifest.texts_scored > 0
    assert {document.sha256 for document in result.left_out}.isdisjoint(d.sha256 for d in result.documents)


def test_the_report_and_the_screen_name_them(result: AuditResult) -> None:
    for written in (summary(result), HTML.render(result)):
        plain = " ".join(written.split())
        assert "2 suspect documents of 40 and 2 held-out of 40, in 2 clusters" in plain
        assert "suspect.jsonl:4 and heldout.jsonl:1" in plain
    assert "Shared documents left out" in HTML.render(result)


def test_the_digests_cover_what_was_read(result: AuditResult, folder: Path) -> None:
    from auditor.corpora.read import read_corpus

    assert result.suspect.sha256 == read_corpus(folder / "suspect.jsonl").sha256
    assert result.heldout.sha256 == read_corpus(folder / "heldout.jsonl").sha256


def test_many_shared_documents_stay_and_refuse(folder: Path) -> None:
    strict = check(folder, policy=POLICY.model_copy(update={"most_shared": 0.04}))
    assert strict.verdict.reason in ("guard:overlap", "guard:blind", "guard:clusters")
    assert next(guard for guard in strict.guards if guard.name == "overlap").status == "failed"
    assert (strict.suspect.documents, strict.suspect.dropped_shared) == (40, 0)
    assert len(strict.measurements.overlap) == 4  # type: ignore[union-attr]


def verify(folder: Path, *arguments: str) -> int:
    from auditor.cli.main import run

    return run(["verify", str(folder / "result.json"), *arguments])


def test_verify_agrees_with_the_data_and_again(result: AuditResult, folder: Path) -> None:
    data = [f"--data={side}={folder / f'{side}.jsonl'}" for side in ("suspect", "heldout")]
    assert verify(folder) == 0
    assert verify(folder, *data) == 0
    assert verify(folder, *data, "--model", str(folder / "model"), "--again") == 0


def test_a_document_less_in_the_list_is_found(result: AuditResult) -> None:
    from auditor.audit.inputs import inputs_of_result, recompute_summary

    assert result.measurements is not None
    fewer = result.measurements.model_copy(update={"overlap": result.measurements.overlap[1:]})
    inputs = inputs_of_result(result.model_copy(update={"measurements": fewer}))
    assert recompute_summary(inputs, "suspect").sha256 != result.suspect.sha256
    moved = tuple(d if n else type(d)(**{**_fields(d), "index": 900}) for n, d in enumerate(result.left_out))
    elsewhere = result.measurements.model_copy(update={"overlap": moved})
    with pytest.raises(UsageError, match="positions"):
        inputs_of_result(result.model_copy(update={"measurements": elsewhere}))


def _fields(document: object) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(document)  # type: ignore[call-overload,no-any-return]


def test_a_bundle_holds_their_texts(result: AuditResult, folder: Path) -> None:
    from auditor.cli.main import run

    asked = ["bundle", str(folder / "result.json"), "-o", str(folder / "audit.zip"), "--reveal"]
    assert run(asked) == 0
    assert run(["verify", str(folder / "audit.zip")]) == 0
