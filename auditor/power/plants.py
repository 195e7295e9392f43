"""Units that a plan needs: dealt hold-outs, twins, canaries, choices and orders."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from auditor.core.errors import UsageError
from auditor.core.record import Count, Record, Share
from auditor.inference.dealt_power import (
    PlantEffect,
    can_reach,
    holdout_units,
    log2_smallest_holdout_p,
    log2_smallest_rank_p,
    rank_sum_units,
    signed_rank_units,
)
from auditor.provenance.grade import GRADES, Grade
from auditor.provenance.records import DesignName

Coins = Literal["beacon", "stamped", "alone"]
"""Who makes the coins, as the command line calls it."""

COINS: dict[Coins, Grade] = {"beacon": "beacon-public", "stamped": "beacon-stamped", "alone": "owner-stamped"}

COPIES = (1, 2, 3, 4, 6, 8, 10)
"""Copies of a canary at which AUCs were measured."""
WEAKEST = (0.577, 0.626, 0.679, 0.706, 0.773, 0.812, 0.846)
"""AUC of canaries of 100 tokens after continued pretraining of phi-2, the weakest of four models of 1.3 to 2.7 billion
parameters: ratio of log-probabilities to the base, mean of five seeds, from the published scores of the mosaic-memory
study."""
STRONGEST = (0.612, 0.706, 0.782, 0.836, 0.910, 0.946, 0.964)
"""The same of GPT-Neo 1.3B, the strongest of the four."""


class CoinUnits(Record):
    """What a plan needs with one maker of the coins."""

    coins: Coins
    """Who makes the coins."""

    bits: Count
    """The p-value is multiplied by 2 to this power."""

    units: Count | None
    """Units for the requested power; None: more than a million."""

    fewest: Count
    """Units below which no outcome whatever reaches the level."""


class PlanPower(Record):
    """The units that a plan needs, and what that rests on."""

    design: DesignName
    effect: Share
    """AUC of a plant that reaches the model: the probability that it scores higher than a withheld text of its unit."""

    effect_from: Literal["--effect", "--copies"]
    """`--copies`: the weakest of four published models with as many copies."""

    survival: Share
    """Share of plants that reach the model."""

    effect_after_losses: Share
    """AUC over all plants."""

    decoys: Count | None
    """Withheld candidates of a unit; None in a hold-out."""

    withheld_share: Share | None
    """Share of documents that a hold-out withholds; None of other designs."""

    copies: Count
    """Documents that carry the same plant."""

    alpha: Share
    """Level over all tests together."""

    tests: Count
    """Tests corrected together."""

    level: Share
    """alpha over the tests."""

    power: Share
    """Probability of rejecting."""

    coins: Coins
    """Who makes the coins."""

    units: Count | None
    """Units for the requested power; documents, published and withheld together, in a hold-out. None: more than a
    million."""

    documents: Count | None
    """Documents that carry something: units times copies."""

    units_strongest: Count | None
    """Units at the AUC of the strongest of the four models; None where `--effect` was set."""

    by_coins: tuple[CoinUnits, ...]
    """The same with every maker of coins."""

    seed: int
    """Seed of the simulation of twins."""


def plan_power(
    design: DesignName,
    effect: float | None,
    *,
    decoys: int = 19,
    copies: int = 1,
    survival: float = 1.0,
    withheld_share: float = 0.2,
    coins: Coins = "beacon",
    alpha: float = 0.01,
    tests: int = 1,
    power: float = 0.8,
    permutations: int = 9999,
    seed: int = 0,
) -> PlanPower:
    """The units that a design needs.

    Args:
        design: What coins decide.
        effect: AUC of a plant that reaches the model; by the copies of a canary where it is None.
        decoys: Withheld candidates of a unit; 1 in twins.
        copies: Documents that carry the same canary.
        survival: Share of plants that reach the model.
        withheld_share: Share of documents that a hold-out withholds.
        coins: Who makes the coins.
        alpha: Level over all tests together.
        tests: Tests corrected together.
        power: Wanted probability of rejecting.
        permutations: Of the engine, for a hold-out.
        seed: Seed of the simulation of twins.

    Raises:
        UsageError: There is no effect, nothing survives, or copies are asked of what is not a canary.
    """
    if copies > 1 and design != "canaries":
        raise UsageError(f"--copies is of canaries, not of {design}", hint="Leave it out.")
    if effect is None and design != "canaries":
        raise UsageError(f"the power of {design} needs an effect", hint="Give --effect, an AUC such as 0.6.")
    if not 0 < survival <= 1 or not 0 < withheld_share < 1:
        raise UsageError(
            "--survival must be above 0 and at most 1, and --share above 0 and below 1", hint="Give shares such as 0.5."
        )
    own = 1 if design == "twins" else decoys
    level = alpha / tests

    def units(auc: float, bits: int) -> int | None:
        return units_needed(
            design,
            PlantEffect(auc, survival),
            level=math.ldexp(level, -bits),
            power=power,
            decoys=own,
            withheld_share=withheld_share,
            permutations=permutations,
            seed=seed,
        )

    target = effect_of_copies(copies, WEAKEST) if effect is None else effect
    by_coins = tuple(
        CoinUnits(
            coins=name,
            bits=GRADES[grade].bits,
            units=units(target, GRADES[grade].bits),
            fewest=fewest_units(design, level, GRADES[grade].bits, decoys=own, withheld_share=withheld_share),
        )
        for name, grade in COINS.items()
    )
    needed = next(entry for entry in by_coins if entry.coins == coins)
    return PlanPower(
        design=design,
        effect=target,
        effect_from="--copies" if effect is None else "--effect",
        survival=survival,
        effect_after_losses=PlantEffect(target, survival).after_losses,
        decoys=None if design == "holdout" else own,
        withheld_share=withheld_share if design == "holdout" else None,
        copies=copies,
        alpha=alpha,
        tests=tests,
        level=level,
        power=power,
        coins=coins,
        units=needed.units,
        documents=None if needed.units is None else needed.units * copies,
        units_strongest=units(effect_of_copies(copies, STRONGEST), needed.bits) if effect is None else None,
        by_coins=by_coins,
        seed=seed,
    )


def units_needed(
    design: DesignName,
    effect: PlantEffect,
    *,
    level: float,
    power: float = 0.8,
    decoys: int = 19,
    withheld_share: float = 0.2,
    permutations: int = 9999,
    seed: int = 0,
) -> int | None:
    """The units that a design needs; arguments as of `plan_power`, with the level that the p-value has to reach.

    Returns:
        Units; None where they are more than a million.
    """
    if design == "twins":
        return signed_rank_units(effect, level=level, power=power, rng=np.random.default_rng(seed))
    if design == "holdout":
        engine = 1 / (permutations + 1)
        return holdout_units(effect, withheld_share, level=level, power=power, smallest_engine_p=engine)
    return rank_sum_units(effect, decoys, level=level, power=power)


def effect_of_copies(copies: int, measured: tuple[float, ...]) -> float:
    """The measured AUC at a number of copies, interpolated over their logarithm; beyond ten that of ten."""
    return float(np.interp(math.log(copies), np.log(COPIES), measured))


def fewest_units(design: DesignName, level: float, bits: int, *, decoys: int, withheld_share: float) -> int:
    """Units below which no outcome reaches a level after the surcharge of 2^bits.

    Of a hold-out it is the rank sum that counts: the p-value of the engine is never below one over its permutations.
    """

    def log2_p(units: int) -> float:
        if design != "holdout":
            return log2_smallest_rank_p(units, decoys)
        withheld = min(units - 1, max(1, round(units * withheld_share)))
        return log2_smallest_holdout_p(units - withheld, withheld, smallest_engine_p=1.0)

    units = 2 if design == "holdout" else 1
    while not can_reach(log2_p(units), level, bits):
        units += 1
    return units
