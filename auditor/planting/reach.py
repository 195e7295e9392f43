"""The smallest p-value that a plan can have, by who made its coins; one that never reaches its level is refused."""

from __future__ import annotations

import math

from auditor.core.errors import UsageError
from auditor.provenance.deal import n_withheld
from auditor.provenance.grade import GRADES, CoinGrade
from auditor.provenance.records import BatchCommitment, Commitment


def log2_smallest_p(commitment: Commitment, batch: BatchCommitment) -> float:
    """Binary logarithm of the smallest p-value that a batch can have before the surcharge: of its luckiest deal."""
    units = batch.units
    if commitment.design == "holdout":
        withheld = n_withheld(units, commitment.withheld_share or 0.0)
        deals = math.lgamma(units + 1) - math.lgamma(withheld + 1) - math.lgamma(units - withheld + 1)
        # Two tests are made, the engine and the rank sum, and the p-value is twice the smaller one.
        return 1 - deals / math.log(2)
    return -units * math.log2(commitment.candidates)


def best_grade(commitment: Commitment) -> CoinGrade:
    """The best grade that the coins of a plan can still have."""
    return GRADES["owner-stamped" if commitment.beacon is None else "beacon-public"]


def reaches(commitment: Commitment, batch: BatchCommitment, grade: CoinGrade) -> bool:
    """Whether a batch can reach the level with coins of a grade."""
    return log2_smallest_p(commitment, batch) + grade.bits <= math.log2(commitment.test.alpha)


def require_reachable(commitment: Commitment) -> None:
    """Refuse a plan of which a batch could never reach its level.

    Raises:
        UsageError: It could not.
    """
    grade = best_grade(commitment)
    for batch in commitment.batches:
        if not reaches(commitment, batch, grade):
            smallest = log2_smallest_p(commitment, batch) + grade.bits
            paid = f", after 2^{grade.bits} for coins of the owner alone" if grade.bits else ""
            raise UsageError(
                f"batch {batch.id} has {batch.units} units, and its luckiest deal has p = {_power_of_two(smallest)}"
                f"{paid}: it can never reach {commitment.test.alpha:g}",
                hint="Take more units, fewer batches, more decoys"
                + (", or leave out --no-beacon." if commitment.beacon is None else "."),
            )


def _power_of_two(exponent: float) -> str:
    return f"{min(1.0, 2.0**exponent):.2g}" if exponent > -1000 else f"2^{exponent:.0f}"
