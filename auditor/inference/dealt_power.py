"""Power of the rank tests of dealt text, and the smallest p-value that a number of units can give.

The effect is an AUC: the probability that a published text scores higher than a withheld one of its unit (of its
stratum in a hold-out). Scores are normal with equal spread. Where only a share of plants survives into what a model is
trained on, the others have no effect. Unit: the unit that is dealt. Assumption: units are independent and have one
effect; real effects differ between units, and a plan should have some units to spare.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from auditor.inference.design import Floats
from auditor.inference.power import groups_needed, shift_of_auc
from auditor.inference.rank_share import chernoff, saddlepoint_tail
from auditor.inference.rank_sum import MOST_WORK, counting_work, two_sample_log_moment, two_sample_tail
from auditor.inference.signed_rank_law import signed_log_moment, signed_rank_tail
from auditor.inference.unit_ranks import MOST_UNITS, rank_sum_tail, uniform_log_moment

MOST = 1_000_000
"""Units beyond which no plan goes."""
_SIMULATED = 60
_DRAWS = 4000
_SMALL = 64
_GRID = np.linspace(-9.0, 9.0, 721)
_WEIGHTS = np.exp(-(_GRID**2) / 2) / np.exp(-(_GRID**2) / 2).sum()


@dataclass(frozen=True, slots=True)
class PlantEffect:
    """What is to be detected.

    Attributes:
        auc: AUC of a plant that was read.
        survival: Share of plants that reach the model.
    """

    auc: float
    survival: float = 1.0

    @property
    def after_losses(self) -> float:
        """AUC over all plants, read or not."""
        return 0.5 + self.survival * (self.auc - 0.5)

    @property
    def shift(self) -> float:
        """Standard deviations between a plant that was read and a withheld text."""
        return shift_of_auc(self.auc)


def rank_sum_units(effect: PlantEffect, decoys: int, *, level: float, power: float) -> int | None:
    """Units with which `rank_sum_test` rejects with the given power; None where they are more than `MOST`.

    Computed, not simulated: the laws of the rank under the null and under the effect are convolved.
    """
    law = _rank_law(effect, decoys)
    return _fewest(lambda units: _rank_sum_power(law, units, level), power)


def signed_rank_units(effect: PlantEffect, *, level: float, power: float, rng: np.random.Generator) -> int | None:
    """Units with which `signed_rank_test` rejects with the given power; None where they are more than `MOST`.

    Simulated up to 60 units; beyond, the statistic is normal with its exact mean and variance under the effect (Lehmann
    1975).
    """
    seed = int(rng.integers(2**63))
    return _fewest(lambda units: _signed_rank_power(effect, units, level, seed), power)


def holdout_units(
    effect: PlantEffect, withheld_share: float, *, level: float, power: float, smallest_engine_p: float
) -> int | None:
    """Documents of a dealt hold-out, published and withheld together; None where they are more than `MOST`.

    Two statistics are tested at half the level each: the rank sum of one score, and the engine where its smallest
    p-value reaches that level. The engine is taken to find what one planned statistic finds, from the normal formula.

    Args:
        effect: What is to be detected.
        withheld_share: Share of documents that are withheld.
        level: What the p-value has to reach, before a surcharge.
        power: Wanted probability of that.
        smallest_engine_p: 1 / (B + 1) for B permutations.
    """
    ranks = _fewest(lambda units: _two_sample_power(effect, units, withheld_share, level / 2), power)
    if smallest_engine_p > level / 2 or not 0.5 < effect.after_losses < 1.0:
        return ranks
    a_side = groups_needed(effect.after_losses, alpha=level / 2, power=power)
    engine = math.ceil(a_side / (2 * withheld_share * (1 - withheld_share)))
    return engine if ranks is None else min(ranks, engine)


def log2_smallest_rank_p(units: int, decoys: int) -> float:
    """Binary logarithm of the p-value where every published candidate is above all its decoys; twins have one decoy."""
    return -units * math.log2(decoys + 1)


def log2_smallest_holdout_p(published: int, withheld: int, *, smallest_engine_p: float) -> float:
    """Binary logarithm of the p-value where every published document is above every withheld one.

    Twice the smaller of that of the engine and that of the rank sum, as two statistics are tested.
    """
    return 1.0 + min(math.log2(smallest_engine_p), -log2_deals(published, withheld))


def log2_deals(published: int, withheld: int) -> float:
    """Binary logarithm of the number of deals of a hold-out."""
    every = math.lgamma(published + withheld + 1) - math.lgamma(published + 1) - math.lgamma(withheld + 1)
    return every / math.log(2)


def can_reach(log2_p: float, alpha: float, bits: int) -> bool:
    """Whether a p-value reaches alpha after the surcharge 2^bits."""
    return log2_p + bits <= math.log2(alpha)


def _fewest(power_of: Callable[[int], float], wanted: float) -> int | None:
    high = 2
    while power_of(high) < wanted:
        high *= 2
        if high > MOST:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= wanted else (middle, high)
    if high > _SMALL:
        return high
    # The power of few units goes up and down, as the level that is used does.
    return next(units for units in range(1, high + 1) if power_of(units) >= wanted)


def _rank_law(effect: PlantEffect, decoys: int) -> Floats:
    """Law of the rank of a published candidate among its decoys, [decoys + 1]."""
    from scipy.stats import binom  # takes a second to import: only where it is computed

    above = ndtr(_GRID + effect.shift)
    read = _WEIGHTS @ binom.pmf(np.arange(decoys + 1), decoys, above[:, None])
    mixed = effect.survival * read + (1 - effect.survival) / (decoys + 1)
    law: Floats = mixed / mixed.sum()
    return law


def _rank_sum_power(law: Floats, units: int, level: float) -> float:
    decoys = len(law) - 1
    critical = _critical_rank_sum(units, decoys, level)
    return float(np.clip(_convolved(law, units)[critical:].sum(), 0.0, 1.0))


def _convolved(law: Floats, units: int) -> Floats:
    size = units * (len(law) - 1) + 1
    length = 1 << (size - 1).bit_length()
    summed: Floats = np.fft.irfft(np.fft.rfft(law, length) ** units, length)[:size]
    return summed


def _critical_rank_sum(units: int, decoys: int, level: float) -> int:
    """The smallest sum whose p-value is at most the level; one more than the largest sum where there is none."""
    largest, sizes = units * decoys, Counter({decoys: units})
    if -units * math.log(decoys + 1) > math.log(level):
        return largest + 1
    if units > MOST_UNITS:
        return _first(lambda value: rank_sum_tail(value, sizes)[0] <= level, largest // 2, largest)
    # Weighted by exp(theta x) the law has its bulk at the critical value, where the transform is accurate.
    theta = _tilt(units, decoys, level)
    weights = np.exp(theta * (np.arange(decoys + 1) - decoys))
    moment = float(weights.mean())
    tilted = _convolved(weights / weights.sum(), units)
    below = -theta * (largest - np.arange(largest + 1))
    tails = np.cumsum((np.maximum(tilted, 0.0) * np.exp(np.minimum(-below + units * math.log(moment), 700.0)))[::-1])
    return largest + 1 - int(np.searchsorted(tails, level, side="right"))


def _tilt(units: int, decoys: int, level: float) -> float:
    """The theta at which Chernoff's bound at the tilted mean is the level, at most 50."""
    sizes = Counter({decoys: units})

    def excess(log_theta: float) -> float:
        theta = math.exp(log_theta)
        step = 1e-4 * theta
        at = uniform_log_moment(theta, sizes)
        mean = (uniform_log_moment(theta + step, sizes) - uniform_log_moment(theta - step, sizes)) / (2 * step)
        return at - theta * mean - math.log(level)

    ends = -20.0, math.log(50.0)
    return math.exp(brentq(excess, *ends)) if excess(ends[1]) < 0 else 50.0


def _first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The smallest whole number above `low` for which a monotone condition holds; `high` + 1 where it never does."""
    high += 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _signed_rank_power(effect: PlantEffect, units: int, level: float, seed: int) -> float:
    largest = units * (units + 1) // 2
    if 2.0**-units > level:
        return 0.0
    critical = _critical_signed_rank(units, level)
    if units > _SIMULATED:
        mean, variance = _signed_rank_moments(effect, units)
        return float(ndtr((mean - critical + 0.5) / math.sqrt(variance)))
    rng = np.random.default_rng([seed, units])
    drawn = rng.standard_normal((_DRAWS, units))
    drawn += effect.shift / math.sqrt(2.0) * (rng.random(drawn.shape) < effect.survival)
    ranks = np.abs(drawn).argsort(axis=1).argsort(axis=1) + 1
    return float(np.mean((ranks * (drawn > 0)).sum(axis=1) >= min(critical, largest + 1)))


def _critical_signed_rank(units: int, level: float) -> int:
    largest, ranks = units * (units + 1) // 2, np.arange(1.0, units + 1.0)

    def tail(value: int) -> float:
        if units <= _SIMULATED:
            return signed_rank_tail(value, units)[0]
        return saddlepoint_tail(lambda theta: signed_log_moment(theta, ranks), value)

    return _first(lambda value: tail(value) <= level, largest // 2, largest)


def _large_tail(log_moment: Callable[[float], float], value: int, *, exact: bool) -> float:
    """The p-value of a large test: close to the tail where the test counts it, else the bound that the test uses."""
    return saddlepoint_tail(log_moment, value) if exact else math.exp(chernoff(log_moment, value))


def _signed_rank_moments(effect: PlantEffect, units: int) -> tuple[float, float]:
    """Mean and variance of the sum of positive ranks under the effect."""
    shift, survival = effect.shift / math.sqrt(2.0), effect.survival
    up = survival * ndtr(_GRID + 2 * shift) + (1 - survival) * ndtr(_GRID + shift)
    plain = survival * ndtr(_GRID + shift) + (1 - survival) * ndtr(_GRID)
    positive = survival * float(ndtr(shift)) + (1 - survival) / 2
    pair = survival * float(_WEIGHTS @ up) + (1 - survival) * float(_WEIGHTS @ plain)
    triple = survival * float(_WEIGHTS @ up**2) + (1 - survival) * float(_WEIGHTS @ plain**2)
    both = (pair + positive**2) / 2
    pairs = units * (units - 1)
    mean = units * positive + pairs / 2 * pair
    variance = (
        units * positive * (1 - positive)
        + pairs / 2 * pair * (1 - pair)
        + 2 * pairs * (both - positive * pair)
        + pairs * (units - 2) * (triple - pair**2)
    )
    return mean, variance


def _two_sample_power(effect: PlantEffect, units: int, withheld_share: float, level: float) -> float:
    """Power of the rank sum, normal with its exact mean and variance under the effect."""
    if units < 2:
        return 0.0
    withheld = min(units - 1, max(1, round(units * withheld_share)))
    published = units - withheld
    largest = published * withheld
    sizes = [(published, withheld)]
    if log2_deals(published, withheld) < -math.log2(level):
        return 0.0

    def tail(value: int) -> float:
        if units <= _SIMULATED:
            return two_sample_tail(value, sizes)[0]
        exact = counting_work(largest - value, sizes) <= MOST_WORK
        return _large_tail(lambda theta: two_sample_log_moment(theta, sizes), value, exact=exact)

    critical = _first(lambda value: tail(value) <= level, largest // 2, largest)
    survival, auc = effect.survival, effect.after_losses
    below = survival * ndtr(_GRID + effect.shift) + (1 - survival) * ndtr(_GRID)
    one = survival * float(_WEIGHTS @ ndtr(_GRID + effect.shift) ** 2) + (1 - survival) / 3
    other = float(_WEIGHTS @ below**2)
    variance = largest * (auc * (1 - auc) + (withheld - 1) * (one - auc**2) + (published - 1) * (other - auc**2))
    return float(ndtr((auc * largest - critical + 0.5) / math.sqrt(variance)))
