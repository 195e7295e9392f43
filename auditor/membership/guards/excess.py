"""The model must see more than the text alone shows."""

from __future__ import annotations

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="excess",
    order=50,
    question="Does the model tell the sets apart better than their text alone does?",
    blind_spots="Differences of content that the model reads and our text-only columns do not.",
)
def excess(case: GuardContext) -> GuardOutcome:
    """Hold the lower bound of membership AUC minus text AUC above zero, where the membership test rejects at all."""
    gap = case.excess
    figures = (
        GuardFigure(name="membership AUC minus text AUC", value=gap.difference),
        GuardFigure(name=f"its one-sided {gap.level:.0%} lower bound", value=gap.lower, limit=0.0),
    )
    if case.membership.p_value > case.policy.alpha:
        return GuardOutcome(
            "not run", "The sets were not found to differ, so there is nothing to explain.", "", figures
        )
    seen = f"Membership AUC minus text AUC is {gap.difference:.2f} (lower bound {gap.lower:.2f})"
    if gap.lower > 0:
        return GuardOutcome("passed", f"{seen}.", "", figures)
    return GuardOutcome(
        "failed",
        f"{seen}, so text alone could explain the difference.",
        "Choose held-out documents closer to the suspect ones, or give more documents.",
        figures,
    )
