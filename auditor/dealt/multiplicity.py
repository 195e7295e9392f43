"""The correction over a batch, put into the result of a test."""

from __future__ import annotations

from auditor.dealt.verdict import NEITHER
from auditor.inference.batch_correction import batch_limitation, corrected_verdict
from auditor.results.dealt.result import DealtResult
from auditor.results.io import with_content_digest
from auditor.results.result import BatchCorrection, Verdict

_REMEDY = "Plant more units, so that its own p-value falls, or run fewer audits, chosen before any result is seen."


def apply_correction(result: DealtResult, correction: BatchCorrection) -> DealtResult:
    """A result with its correction, the corrected verdict, and a new content digest.

    Raises:
        ValueError: It has been corrected before.
    """
    if result.multiplicity is not None:
        raise ValueError("a result that is corrected already cannot be corrected again")
    return with_content_digest(
        result.model_copy(
            update={
                "multiplicity": correction,
                "verdict": verdict_in_batch(result.verdict, correction, result.level),
                "limitations": (*result.limitations, batch_limitation(correction)),
            }
        )
    )


def verdict_in_batch(verdict: Verdict, correction: BatchCorrection, level: float) -> Verdict:
    """The verdict of a test after the correction over its batch."""
    corrected = corrected_verdict(verdict, correction, level)
    if corrected is verdict:
        return verdict
    return corrected.model_copy(update={"not_meaning": NEITHER, "remediation": _REMEDY})
