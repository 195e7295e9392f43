"""The correction over a batch, put into the result of an audit."""

from __future__ import annotations

from auditor.audit.limitations import limitations
from auditor.inference.batch_correction import corrected_verdict
from auditor.results.io import with_content_digest
from auditor.results.result import AuditResult, BatchCorrection


def apply_correction(result: AuditResult, correction: BatchCorrection) -> AuditResult:
    """A result with its correction, the corrected verdict, and a new content digest.

    Raises:
        ValueError: It has been corrected before.
    """
    if result.multiplicity is not None:
        raise ValueError("a result that is corrected already cannot be corrected again")
    verdict = corrected_verdict(result.verdict, correction, result.thresholds.alpha)
    limits = limitations(
        result.guards,
        result.manifest,
        series=result.forgetting is not None,
        correction=correction,
        order=result.heldout_order,
    )
    return with_content_digest(
        result.model_copy(update={"multiplicity": correction, "verdict": verdict, "limitations": limits})
    )
