"""The test must be the one that was committed to."""

from __future__ import annotations

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition

HIGHEST_LEVEL = 0.05
"""Above it a rejection is no evidence by any custom."""

_STATISTICS = {"holdout": "dealt-holdout", "twins": "signed-rank"}


@condition(
    name="rule", order=50, question="Are score, statistic and level those that were committed to?", materials=("plan",)
)
def rule(case: DealtCase) -> Finding:
    """Compare the commitment with what is done."""
    test, design = case.commitment.test, case.commitment.design
    done = _STATISTICS.get(design, "rank-sum")
    if test.statistic != done:
        return Finding(
            "failed",
            f"The commitment names the statistic {test.statistic}, and that of the design {design} is {done}.",
            "Use the version of auditor that made the plan.",
        )
    if test.reference and not case.references:
        return Finding(
            "failed",
            "The committed score is less that under a reference, and no reference is given.",
            "Name a model that cannot have seen the published text with --reference.",
        )
    if test.alpha > HIGHEST_LEVEL:
        return Finding(
            "warning",
            f"The committed level is {test.alpha:g}, above {HIGHEST_LEVEL:g}: an innocent model would give EVIDENCE in "
            f"up to {test.alpha:.0%} of such tests.",
            "Commit to a lower level next time; read the p-value.",
        )
    if case.settings.sequential:
        return Finding(
            "warning",
            f"The test is by betting, unit by unit, in place of the committed {test.statistic}: the p-value pays "
            "twofold for the choice between the two.",
        )
    how = f"the score {test.score}{' less that under a reference' if test.reference else ''}, {done}, level"
    return Finding("passed", f"As committed: {how} {test.alpha:g}.")
