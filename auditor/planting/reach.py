"""Whether a plan can ever reach its level, and how likely it is to find what was planted."""

from __future__ import annotations

import math

from auditor.core.errors import UsageError
from auditor.core.text import amount
from auditor.inference.dealt_power import PlantEffect, can_reach, log2_smallest_holdout_p, log2_smallest_rank_p
from auditor.power.plants import STRONGEST, WEAKEST, effect_of_copies, units_needed
from auditor.provenance.deal import n_withheld
from auditor.provenance.grade import GRADES, CoinGrade, Grade
from auditor.provenance.records import BatchCommitment, Commitment

_EFFECTS = (0.6,)
"""AUC at which units are stated where no copies were measured."""
_LOSSES = (1.0, 0.5)
"""Shares of plants that reach the model."""


def log2_smallest_p(commitment: Commitment, batch: BatchCommitment) -> float:
    """Binary logarithm of the smallest p-value that a batch can have before the surcharge: of its luckiest deal.

    It is multiplied by the number of batches, of which the owner could show the luckiest. Of a hold-out it is that of
    the rank sum, as the surcharge needs tails that permutations do not have.
    """
    return _log2_of_luckiest(commitment, batch) + math.log2(len(commitment.batches))


def _log2_of_luckiest(commitment: Commitment, batch: BatchCommitment) -> float:
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
    smallest, alpha = log2_smallest_p(commitment, batch), commitment.test.alpha
    lines = [f"the luckiest deal of a batch has p = 2^{smallest:.0f}; the level is {alpha:g}"]
    if len(commitment.batches) > 1:
        lines[0] += f"; every p-value is multiplied by {len(commitment.batches)}, the number of batches"
    lines += [_cost(grade, smallest, alpha) for grade in _possible(commitment) if grade.bits]
    level = math.ldexp(alpha / len(commitment.batches), -best_grade(commitment).bits)
    copies, effects = "", list(_EFFECTS)
    if commitment.design == "canaries":
        copies = f" of {amount(commitment.copies, 'copy', 'copies')}"
        effects = [effect_of_copies(commitment.copies, measured) for measured in (WEAKEST, STRONGEST)]
    for effect in effects:
        for survival in _LOSSES:
            needed = units_needed(
                commitment.planned,
                PlantEffect(effect, survival),
                level=level,
                decoys=max(1, commitment.candidates - 1),
                withheld_share=commitment.withheld_share or 0.2,
            )
            lines.append(
                f"80% power at an AUC of {effect:.2f}{copies}, {survival:.0%} of the plants reaching the model: "
                f"{'more than a million' if needed is None else f'{needed:,}'} units, and a batch has {batch.units:,}"
            )
    return lines


def _possible(commitment: Commitment) -> list[CoinGrade]:
    names: tuple[Grade, ...] = ("owner-stamped",) if commitment.beacon is None else ("beacon-stamped", "owner-alone")
    return [GRADES[name] for name in names]


def _cost(grade: CoinGrade, smallest: float, alpha: float) -> str:
    when = {
        "owner-stamped": "with coins of the owner alone",
        "beacon-stamped": "time-stamped in private",
        "owner-alone": "without a time stamp",
    }[grade.name]
    can = "it can reach the level" if can_reach(smallest, alpha, grade.bits) else "it can never reach the level"
    return f"{when}, p is multiplied by 2^{grade.bits}: {can}"
