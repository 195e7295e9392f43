"""A difference between the sets must have the direction that training gives it."""

from __future__ import annotations

from scipy.special import ndtri

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="direction",
    order=40,
    question="Where the sets differ, does the suspect set look more familiar to the model, as training would make it?",
    blind_spots="A difference in topic or style that makes the suspect texts easier to predict. It can also refuse a "
    "true effect that shows in a single feature only.",
    only_after_rejection=True,
    exact_p=False,
)
def direction(case: GuardContext) -> GuardOutcome:
    """Test the sign of the mean of all oriented features, or of a whole family that is significant by itself."""
    membership, policy = case.membership, case.policy
    if membership.mean_z is None:
        return GuardOutcome(
            "failed",
            "No feature of the test has a direction, so no difference could be read as training.",
            "Choose features that have a direction.",
        )
    limit = -float(ndtri(policy.direction_alpha))
    directed = {f"family:{column.family}" for column in membership.columns if column.direction != 0}
    families = [s for s in membership.statistics if s.name in directed and s.p_adjusted <= policy.alpha]
    figures = (
        GuardFigure(name="mean of oriented features (z)", value=membership.mean_z, limit=limit),
        GuardFigure(name="families that point towards training at the level of the test", value=len(families)),
    )
    if not case.rejected:
        return GuardOutcome("not run", "The membership test does not reject, so there is no direction.", "", figures)
    observed = f"mean of all oriented features: z = {membership.mean_z:.1f}"
    if membership.mean_z >= limit:
        return GuardOutcome("passed", f"The suspect set looks more familiar ({observed}).", "", figures)
    if membership.mean_z > 0 and families:
        names = ", ".join(family.name.removeprefix("family:") for family in families)
        return GuardOutcome(
            "passed", f"The suspect set looks more familiar by its {names} features ({observed}).", "", figures
        )
    return GuardOutcome(
        "failed",
        f"The sets differ, but the features together do not show that the suspect set is more familiar ({observed}).",
        "Look for another reason for the difference: source, period, topic, processing, or deliberate unlearning.",
        figures,
    )
