"""The difference must point the way training points."""

from __future__ import annotations

from scipy.stats import norm

from auditor.guards.case import Case
from auditor.guards.guard import Figure, Finding, guard


@guard(
    name="direction",
    order=40,
    question="Where the sets differ, does the suspect set look more familiar to the model, as training would make it?",
    misses="A difference in topic or style that happens to make the suspect texts easier to predict.",
)
def direction(case: Case) -> Finding:
    """Compare the mean of oriented features with its one-sided limit, where the membership test rejects at all."""
    membership, limit = case.membership, float(norm.isf(case.policy.direction_alpha))
    if membership.mean_z is None:
        return Finding(
            "failed" if membership.p_value <= case.policy.alpha else "not run",
            "None of the chosen features claims a direction, so a difference cannot be read as training.",
            "Choose features that claim a direction.",
        )
    figures = (Figure(name="mean of oriented features (z)", value=membership.mean_z, limit=limit),)
    if membership.p_value > case.policy.alpha:
        return Finding(
            "not run", "The sets were not found to differ, so there is no direction to ask about.", "", figures
        )
    if membership.mean_z >= limit:
        return Finding("passed", f"The suspect set looks more familiar (z = {membership.mean_z:.1f}).", "", figures)
    return Finding(
        "failed",
        f"The sets differ, but the suspect set does not look more familiar to the model (z = {membership.mean_z:.1f}).",
        "Look for another reason for the difference: source, period, topic, processing, or deliberate unlearning.",
        figures,
    )
