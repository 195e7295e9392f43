"""The published copy must hold what the coins published, and nothing that they withheld."""

from __future__ import annotations

from auditor.core.text import amount
from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition


@condition(
    name="copy",
    order=90,
    question="Does the published copy hold what the coins chose, and no other candidate?",
    materials=("plan",),
)
def copy(case: DealtCase) -> Finding:
    """Compare the counts of candidates in the copy with the coins."""
    found = case.measurements.copy_found
    if found is None:
        return Finding(
            "not run", "There was no published copy to look at.", "Run where the published copy lies, as the plan says."
        )
    if found.withheld:
        return Finding(
            "failed",
            f"{amount(found.withheld, 'withheld candidate')} stand{'s' if found.withheld == 1 else ''} in the "
            "published copy: the model may have seen what the test takes for unseen.",
            "Publish the copy that auditor plant wrote, unchanged.",
        )
    published = _published(case)
    share, least = found.published / max(1, published), case.settings.policy.least_surviving
    counted = f"{found.published:,} of {published:,} published candidates stand in the copy, and no withheld one"
    if share < least:
        return Finding(
            "warning",
            f"{counted}: fewer than {least:.0%}, which costs power and never validity.",
            "Repair the published copy before the next model is trained on it.",
        )
    return Finding("passed", f"{counted}.")


def _published(case: DealtCase) -> int:
    units = case.measurements.units
    return sum(unit.published for unit in units) if case.commitment.design == "holdout" else len(units)
