"""Nearly all units must have scores."""

from __future__ import annotations

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition


@condition(name="scored", order=70, question="Do nearly all units have a score?", needs_scores=True)
def scored(case: DealtCase) -> Finding:
    """Count the units that were left out with all their candidates."""
    units = len(case.scored)
    missing, most = units - case.n_scored, case.settings.policy.most_unscored
    if units == 0 or missing > most * units:
        return Finding(
            "failed",
            f"{missing:,} of {units:,} units have a candidate without a score, more than {most:.0%}.",
            "Raise --max-tokens or --context; a candidate must fit whole and have at least one scored token.",
        )
    if missing:
        return Finding(
            "passed",
            f"{missing:,} of {units:,} units have a candidate without a score and are left out with all their "
            "candidates, whatever their coins.",
        )
    return Finding("passed", f"All {units:,} units have a score of every candidate.")
