"""The model must separate the sets better than their text alone."""

from __future__ import annotations

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="excess",
    order=50,
    question="Does the model tell the sets apart better than their text alone does?",
    blind_spots="Differences of content that the model reads and the text-only columns do not.",
    only_after_rejection=True,
)
def excess(case: GuardContext) -> GuardOutcome:
    """Require a lower bound of membership AUC minus text AUC above zero, where the membership test rejects."""
    gap = case.excess
    figures = (
        GuardFigure(name="membership AUC minus text AUC", value=gap.difference),
        GuardFigure(name=f"its one-sided {gap.level:.0%} lower bound", value=gap.lower, limit=0.0),
    )
    if not case.rejected:
        return GuardOutcome("not run", "The membership test does not reject: there is nothing to explain.", "", figures)
    observed = f"Membership AUC minus text AUC is {gap.difference:.2f} (lower bound {gap.lower:.2f})"
    if gap.lower > 0:
        return GuardOutcome("passed", f"{observed}.", "", figures)
    return GuardOutcome(
        "failed",
        f"{observed}, so text alone could explain the difference.",
        "Choose held-out documents closer to the suspect ones, or give more documents.",
        figures,
    )
