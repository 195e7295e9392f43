"""The digests of the two sides must follow from their documents."""

from __future__ import annotations

from auditor.audit.inputs import recompute_summary
from auditor.results.result import CorpusSummary, Side
from auditor.verify.check import CheckAnswer, check
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="corpora", order=40)
def corpora(subject: Subject) -> CheckAnswer:
    """Compute each digest again from the ids, groups and text digests of the documents."""
    sides: dict[Side, CorpusSummary] = {"suspect": subject.result.suspect, "heldout": subject.result.heldout}
    again = {side: recompute_summary(subject.inputs, side) for side in sides}
    wrong = tuple(
        Difference(f"{side}.sha256", stored.sha256, again[side].sha256)
        for side, stored in sides.items()
        if stored.sha256 != again[side].sha256
    )
    counts = f"{again['suspect'].documents:,} suspect and {again['heldout'].documents:,} held-out documents"
    if wrong:
        return CheckAnswer("failed", f"the digests are not those of the {counts}", wrong)
    return CheckAnswer("passed", f"the digests are those of the {counts}")
