"""Batches with an audit of every kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from auditor.audit.multiplicity import apply_correction
from auditor.inference import batch_correction as looks
from auditor.results.batch import AuditOutcome, BatchEntry, BatchResult
from auditor.results.correction import Correction
from auditor.results.forgetting.states import Code
from auditor.results.gate import FAILS, Expect, Gate
from auditor.results.outcome import Outcome
from auditor.results.result import AuditResult, BatchCorrection
from auditor.results.summary import summarise
from support.results import HOSTILE, build, poison
from support.series import build_forget

WORDS: tuple[Outcome, ...] = ("EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE")


def gate(expect: Expect = "no-evidence", *fail_on: str) -> Gate:
    """What is usual for an expectation, or what is given."""
    return Gate(expect=expect, fail_on=fail_on or FAILS[expect])


def checked(word: Outcome, **changed: Any) -> AuditResult:
    """A small `check`."""
    return build(word, groups=8).model_copy(update=changed)


def forgotten(code: Code, **changed: Any) -> AuditResult:
    """A small `forget` that ends in a state."""
    series = build_forget(("A", code), placebo=False, general=False, relearn=False, layers=0, tasks=0)
    return series.model_copy(update=changed)


def outcome(result: AuditResult | None, name: str, *, folder: str = "", **changed: Any) -> BatchEntry:
    """An audit of a batch from its result; one that broke without."""
    folder = folder or name
    finding = None
    if result is not None:
        told = dict(summarise(result))
        finding = AuditOutcome(
            **told, report=f"{folder}/report.html", result=f"{folder}/result.json", result_sha256="ab" * 32
        )
    asked = {
        "kind": "check" if result is None else result.kind,
        "suspect": "data/suspect",
        "heldout": "data/heldout",
        "model": "models/owl",
        "gate": Gate() if result is None else result.gate,
        "error": "" if result is not None else "models/owl: no config.json there\nGive the folder of a model.",
    }
    return BatchEntry(name=name, folder=folder, finding=finding, **(asked | changed))


def batch(audits: Iterable[BatchEntry], **changed: Any) -> BatchResult:
    """A batch of them."""
    made = {
        "name": "release 4",
        "created": "2026-11-20T09:30:00Z",
        "auditor_version": "0.1.0",
        "correction": "holm",
        "configuration": "AUDITS.yaml",
        "configuration_sha256": "cd" * 32,
    }
    return BatchResult(audits=tuple(audits), **(made | changed))


def with_looks(results: Sequence[AuditResult], method: Correction, *, broken: int = 0) -> tuple[AuditResult, ...]:
    """The results of a batch, corrected for each other."""
    corrections = looks.correct([looks.correction_entry(result) for result in results], method, broken=broken)
    return tuple(apply_correction(result, one) for result, one in zip(results, corrections, strict=True))


def correction_of(
    p: float, p_adjusted: float, audits: int = 7, *, n_hypotheses: int = 1, broken: int = 0, refused: bool = False
) -> BatchCorrection:
    """A correction by Holm."""
    return BatchCorrection(
        method="holm",
        audits=audits,
        broken=broken,
        p_value=p,
        n_hypotheses=n_hypotheses,
        p_entered=1.0 if refused else min(1.0, n_hypotheses * p),
        p_adjusted=p_adjusted,
    )


def beside_broken(p: float, p_adjusted: float, n_hypotheses: int = 1) -> BatchCorrection:
    """A correction in a batch of seven of which one broke."""
    return correction_of(p, p_adjusted, n_hypotheses=n_hypotheses, broken=1)


def one_of_each() -> BatchResult:
    """Every verdict, a state, an audit that broke, one that was expected to find something."""
    return batch(
        (
            outcome(checked("NO EVIDENCE", multiplicity=beside_broken(0.41, 1.0)), "innocent"),
            outcome(checked("EVIDENCE", multiplicity=beside_broken(0.0001, 0.0007)), "planted"),
            outcome(checked("INCONCLUSIVE", multiplicity=beside_broken(1.0, 1.0)), "shifted"),
            outcome(None, "no model"),
            outcome(
                checked("EVIDENCE", gate=gate("evidence"), multiplicity=beside_broken(0.0003, 0.0018)),
                "known to be trained on",
            ),
            outcome(
                forgotten("D", gate=gate("no-evidence", "state C"), multiplicity=beside_broken(0.004, 0.02, 2)),
                "fading",
            ),
            outcome(forgotten("F", multiplicity=beside_broken(0.3, 1.0, 2)), "gone"),
        )
    )


def hostile_batch() -> BatchResult:
    """A batch with hostile text at the end of every free string, digests and paths included."""
    return BatchResult.model_validate(poison(one_of_each().model_dump(mode="json"), HOSTILE))


def many(count: int) -> BatchResult:
    """Many audits."""
    results = [checked(word, multiplicity=correction_of(0.0123, 0.789, count)) for word in WORDS]
    return batch(outcome(results[number % 3], f"audit number {number}") for number in range(count))
