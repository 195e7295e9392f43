"""Some outcome of the test must be EVIDENCE."""

from __future__ import annotations

import math

from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition
from auditor.inference.dealt_power import can_reach, log2_smallest_holdout_p, log2_smallest_rank_p


@condition(name="reach", order=60, question="Could the test reach its level at all, after what it pays for the coins?")
def reach(case: DealtCase) -> Finding:
    """Compare the smallest p-value of the design with the level."""
    least, needed = smallest_log2_p(case), math.log2(case.needed_p)
    paid = f" after a factor of 2^{case.grade.bits} for who made the coins" if case.grade.bits else ""
    if not can_reach(least, case.level / case.attempts, case.grade.bits):
        return Finding(
            "failed",
            f"The smallest p-value of this design is {_power(least)}, and the level of {case.level:.3g} needs "
            f"{_power(needed)}{paid}: no model could give EVIDENCE.",
            "Plant more units, or let public randomness after a public commitment make the coins, which costs nothing."
            if case.material == "plan"
            else "Bring more units: a longer file, or more documents.",
        )
    return Finding(
        "passed", f"The smallest p-value of this design is {_power(least)}; {_power(needed)} is needed{paid}."
    )


def smallest_log2_p(case: DealtCase) -> float:
    """Binary logarithm of the smallest p-value that the committed units allow."""
    units, settings = len(case.measurements.units), case.settings
    if case.commitment.design == "holdout":
        mine = sum(unit.published for unit in case.measurements.units)
        return log2_smallest_holdout_p(mine, units - mine, smallest_engine_p=1 / (settings.permutations + 1))
    if settings.sequential:
        # The largest of the nineteen bets puts 0.95 of its wealth on every unit.
        return min(0.0, math.log2(19) - units * math.log2(1.95))
    return log2_smallest_rank_p(units, max(1, case.commitment.candidates - 1))


def _power(exponent: float) -> str:
    return f"{2.0**exponent:.2g}" if exponent > -1000 else f"2^{exponent:.0f}"
