"""Whether a plan can ever reach its level, and how likely it is to find what was planted."""

from __future__ import annotations

from auditor.core.errors import UsageError
from auditor.inference.dealt_power import can_reach, log2_smallest_holdout_p, log2_smallest_rank_p
from auditor.power.plants import PlanPower, plan_power
from auditor.provenance.deal import n_withheld
from auditor.provenance.grade import GRADES, CoinGrade
from auditor.provenance.records import BatchCommitment, Commitment

_EFFECTS = (0.55, 0.6, 0.7)
"""AUCs at which the units are stated where no copies were measured."""
_LOSSES = (1.0, 0.5)
"""Shares of plants that reach the model."""


def log2_smallest_p(commitment: Commitment, batch: BatchCommitment) -> float:
    """Binary logarithm of the smallest p-value that a batch can have before the surcharge: of its luckiest deal.

    Of a hold-out it is that of the rank sum, as the surcharge needs tails that permutations do not have.
    """
    if commitment.design == "holdout":
        withheld = n_withheld(batch.units, commitment.withheld_share or 0.0)
        return log2_smallest_holdout_p(batch.units - withheld, withheld, smallest_engine_p=1.0)
    return log2_smallest_rank_p(batch.units, commitment.candidates - 1)


def best_grade(commitment: Commitment) -> CoinGrade:
    """The best grade that the coins of a plan can still have."""
    return GRADES["owner-stamped" if commitment.beacon is None else "beacon-public"]


def require_reachable(commitment: Commitment) -> None:
    """Refuse a plan of which a batch could never reach its level.

    Raises:
        UsageError: It could not.
    """
    grade = best_grade(commitment)
    for batch in commitment.batches:
        smallest = log2_smallest_p(commitment, batch)
        if not can_reach(smallest, commitment.test.alpha, grade.bits):
            paid = f", times 2^{grade.bits} for coins of the owner alone" if grade.bits else ""
            raise UsageError(
                f"batch {batch.id} has {batch.units} units, and its luckiest deal has p = 2^{smallest:.0f}{paid}: it "
                f"can never reach {commitment.test.alpha:g}",
                hint="Take more units, fewer batches or more decoys"
                + (", or leave out --no-beacon." if commitment.beacon is None else "."),
            )


def reach_lines(commitment: Commitment) -> list[str]:
    """The smallest p-value of the smallest batch, and the units that it takes to find a plant with 80 % probability."""
    batch = min(commitment.batches, key=lambda batch: batch.units)
    grade = best_grade(commitment)
    smallest = log2_smallest_p(commitment, batch)
    paid = f", times 2^{grade.bits} for coins of the owner alone" if grade.bits else ""
    first = f"the luckiest deal of a batch has p = 2^{smallest:.0f}{paid}; the level is {commitment.test.alpha:g}"
    effects = (None,) if commitment.design == "canaries" else _EFFECTS
    cases = ((effect, survival) for effect in effects for survival in _LOSSES)
    return [first, *(_line(batch.units, _power(commitment, grade, *case)) for case in cases)]


def _power(commitment: Commitment, grade: CoinGrade, effect: float | None, survival: float) -> PlanPower:
    return plan_power(
        commitment.design,
        effect,
        decoys=max(1, commitment.candidates - 1),
        copies=commitment.copies,
        survival=survival,
        withheld_share=commitment.withheld_share or 0.2,
        coins="alone" if grade.bits else "beacon",
        alpha=commitment.test.alpha,
    )


def _line(units: int, power: PlanPower) -> str:
    copies = (
        "" if power.effect_from == "--effect" else f" of {power.copies} {'copy' if power.copies == 1 else 'copies'}"
    )
    needed = "more than a million" if power.units is None else f"{power.units:,}"
    enough = "enough" if power.units is not None and power.units <= units else "too few"
    return (
        f"80% power{copies} at an AUC of {power.effect:.2f}, {power.survival:.0%} of the plants reaching the model: "
        f"{needed} units, and a batch has {units:,}: {enough}"
    )
