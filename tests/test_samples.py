"""The bundled samples have known truth; the tool must tell it, each of the three words once, and not by a lookup."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.paths import SAMPLES
from support.samples import SampleAudits

from auditor.cli.main import run
from auditor.results.io import load_result
from auditor.results.result import AuditResult


def audit(suspect: Path, heldout: Path, cache: Path, output: Path) -> tuple[int, AuditResult]:
    arguments = [str(suspect), str(heldout), "--model", str(SAMPLES / "model"), "--cache-dir", str(cache)]
    code = run(["check", *arguments, "-o", str(output)])
    return code, load_result(output)


@pytest.mark.parametrize(
    ("side", "word", "reason", "code"),
    [
        ("suspect", "EVIDENCE", "separated", 1),
        ("innocent", "NO EVIDENCE", "not-separated", 0),
        ("shifted", "INCONCLUSIVE", "guard:blind", 3),
    ],
)
def test_the_samples_get_the_verdict_that_is_true(
    side: str, word: str, reason: str, code: int, sample_audits: SampleAudits
) -> None:
    found, result = sample_audits.check(side)
    assert (result.verdict.outcome, result.verdict.reason, found) == (word, reason, code)


def test_the_planted_signal_is_realistic(sample_audits: SampleAudits) -> None:
    _, result = sample_audits.check("suspect")
    assert 0.6 <= result.membership.auc <= 0.75


def test_the_verdict_does_not_hang_on_names(sample_cache: Path, tmp_path: Path) -> None:
    """The same texts under other names and with the sides exchanged: never EVIDENCE that held-out was trained on."""
    for side, other in (("heldout", "one"), ("suspect", "two")):
        shutil.copytree(SAMPLES / side, tmp_path / other)
    code, result = audit(tmp_path / "one", tmp_path / "two", sample_cache, tmp_path / "r.json")
    assert (code, result.verdict.outcome, result.verdict.reason) == (3, "INCONCLUSIVE", "guard:direction")
    code, result = audit(tmp_path / "two", tmp_path / "one", sample_cache, tmp_path / "r.json")
    assert (code, result.verdict.outcome) == (1, "EVIDENCE")


def test_the_samples_are_small_and_hold_no_pickle() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in (SAMPLES / "model").iterdir()) <= 12_000_000
    assert sum(path.stat().st_size for path in (SAMPLES / "series").rglob("*") if path.is_file()) <= 12_000_000
    assert not [path for path in files if path.suffix in {".bin", ".pt", ".pkl", ".ckpt"}]
