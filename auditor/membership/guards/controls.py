"""Models that cannot have seen the data must not separate the sets."""

from __future__ import annotations

from auditor.inference.multiplicity import holm
from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="controls",
    order=30,
    question="Do models that cannot have seen the suspect documents score the two sets alike?",
    blind_spots="A difference that only the audited model detects, or that shows only in changed or repeated text, "
    "which controls do not score. A control that was trained on the data shows nothing.",
    level=lambda policy: policy.controls_alpha,
    needs_reference=True,
)
def controls(case: GuardContext) -> GuardOutcome:
    """Test each reference model with the engine of the membership test, adjusted for several models (Holm)."""
    if not case.controls:
        return GuardOutcome(
            "not run",
            "No reference or base model is given, or no chosen feature is computed in a single pass.",
            "Give --reference with a model that cannot have seen the suspect documents, such as an older one.",
        )
    limit = case.policy.controls_alpha
    adjusted = holm([control.p_value for control in case.controls.values()])
    worst_label, worst = min(case.controls.items(), key=lambda item: item[1].p_value)
    figures = tuple(
        GuardFigure(name=f"adjusted p-value under {label}", value=p, limit=limit)
        for label, p in zip(case.controls, adjusted, strict=True)
    )
    failed = min(adjusted) <= limit
    observed = f"Under {worst_label} the AUC is {worst.auc:.2f} (p = {worst.p_value:.2g})"
    return GuardOutcome(
        "failed" if failed else "passed",
        f"{observed}: a model that should know neither set separates them." if failed else f"{observed}.",
        "Check that the control model cannot have seen the suspect documents; if so, the sets are not comparable."
        if failed
        else "",
        figures,
        worst.auc,
        worst.auc_interval.low,
        worst.auc_interval.high,
        worst.p_value,
    )
