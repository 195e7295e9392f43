"""The model must separate the sets better than text, or a reference model, does."""

from __future__ import annotations

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure
from auditor.results.separability import Excess


@guard(
    name="excess",
    order=50,
    question="Does the model tell the sets apart better than their text, or a reference model, does?",
    blind_spots="Differences of content that the model reads and the text-only columns do not; with a reference, a "
    "change since the reference that depends on the content of a text in a way that neither text nor reference shows.",
    only_after_rejection=True,
)
def excess(case: GuardContext) -> GuardOutcome:
    """Require more than what text, or a reference together with the text, explains, where the test rejects."""
    figures = _figures(case.excess)
    if not case.rejected:
        return GuardOutcome("not run", "The membership test does not reject: there is nothing to explain.", "", figures)
    observed = _observed(case.excess)
    if case.excess.shown:
        return GuardOutcome("passed", f"{observed}.", "", figures)
    if case.excess.over == "reference":
        return GuardOutcome(
            "failed",
            f"{observed}, so what the reference reads in the texts could explain the difference.",
            "Choose held-out documents closer to the suspect ones, or give more documents.",
            figures,
        )
    return GuardOutcome(
        "failed",
        f"{observed}, so text alone could explain the difference.",
        "Give --reference with a model that cannot have seen the suspect documents, choose held-out documents closer "
        "to the suspect ones, or give more documents.",
        figures,
    )


def _figures(gap: Excess) -> tuple[GuardFigure, ...]:
    if gap.lower is None:
        return (
            GuardFigure(name="AUC minus one half of the adjusted change from the reference", value=gap.difference),
            GuardFigure(name="its p-value", value=gap.p_value or 0.0, limit=gap.alpha),
        )
    return (
        GuardFigure(name="membership AUC minus text AUC", value=gap.difference),
        GuardFigure(name=f"its one-sided {gap.level:.0%} lower bound", value=gap.lower, limit=0.0),
    )


def _observed(gap: Excess) -> str:
    if gap.lower is None:
        return (
            f"The change from the reference, less what text and reference predict of it, has an AUC of "
            f"{gap.difference + 0.5:.2f} (p = {gap.p_value:.2g})"
        )
    return f"Membership AUC minus text AUC is {gap.difference:.2f} (lower bound {gap.lower:.2f})"
