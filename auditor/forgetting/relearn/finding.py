"""From losses along an intervention to the finding."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.forgetting.findings.relearning import Probe, ProbePoint
from auditor.forgetting.relearn.curve import Losses, judge, show_curve, units_of
from auditor.forgetting.relearn.intervention import Case, Name


def finding(case: Case, name: Name, method: str, steps: Sequence[int], losses: Losses, placebo: Losses | None) -> Probe:
    """Test and describe an intervention, not yet corrected for the others.

    Args:
        case: What the intervention was handed.
        name: Its name.
        method: What was done, in words.
        steps: Of each point after the checkpoint as it is.
        losses: Of the suspect and the held-out set.
        placebo: Of the placebo set and the held-out set; None where there is none.

    Raises:
        UsageError: A set has fewer than two groups with a scored token.
    """
    units = units_of(losses, case.rng(f"{name} order"))
    outcome = judge(units, permutations=case.permutations, rng=case.rng(f"{name} labels"))
    shown = show_curve(units, bootstraps=case.bootstraps, rng=case.rng(f"{name} bootstrap"))
    beside, beside_p = None, None
    if placebo is not None:
        control = units_of(placebo, case.rng(f"{name} placebo order"))
        beside_p = judge(control, permutations=case.permutations, rng=case.rng(f"{name} placebo labels")).both
        beside = show_curve(control, bootstraps=case.bootstraps, rng=case.rng(f"{name} placebo bootstrap"))
    points = tuple(
        ProbePoint(
            steps=step,
            suspect=figures.suspect,
            heldout=figures.heldout,
            gap=figures.gap,
            auc=figures.auc,
            placebo_gap=None if beside is None else beside[at].gap,
        )
        for at, (step, figures) in enumerate(zip((0, *steps), shown, strict=True))
    )
    return Probe(
        name=name,
        method=method,
        points=points,
        after_p_value=outcome.after,
        rise_p_value=outcome.rise,
        p_value=outcome.both,
        p_adjusted=outcome.both,
        placebo_p_value=beside_p,
        recovered=False,
    )
