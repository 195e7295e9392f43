"""Tests of dealt text where the coins did not matter: scores are fixed, with ties and outliers, and coins are redrawn.

Run by `benchmarks/levels.py`. Each test has a finite set of p-values; `attainable` is the probability of the largest of
them at or below a level, computed from the tail, and what an exact test rejects at in the long run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from auditor.inference.betting import anytime_p_values, betting_process, rank_gains, twin_gains
from auditor.inference.design import Floats, Ints
from auditor.inference.rank_sum import two_sample_rank_test, two_sample_tail
from auditor.inference.signed_rank import signed_rank_test
from auditor.inference.signed_rank_law import signed_rank_tail
from auditor.inference.unit_ranks import published_rank, rank_sum_tail, rank_sum_test

LEVELS = (0.001, 0.01, 0.05)
UNITS = (5, 20, 60)
DRAWS = 20_000
DECOYS = 19


@dataclass(frozen=True)
class DealtRow:
    """One test.

    Attributes:
        name: What is tested.
        p_values: [draws] p-values of units, draws and a generator.
        attainable: What it rejects at, of units and a level; None of a test that promises no more than the level.
    """

    name: str
    p_values: Callable[[int, int, np.random.Generator], Floats]
    attainable: Callable[[int, float], float] | None


def scores(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Heavy tails, rounded so that many are equal, in clusters of neighbours, with two outliers."""
    drawn = np.round(rng.standard_t(2, shape) + np.repeat(rng.standard_normal(-(-shape[0] // 5)), 5)[: shape[0], None])
    drawn.flat[[0, -1]] = 1e9, -1e12
    return drawn


def canaries(units: int, draws: int, rng: np.random.Generator) -> Floats:
    """Ranks of published canaries among their decoys."""
    ranks = _ranks(units, rng)
    return np.array(
        [rank_sum_test(ranks[np.arange(units), _published(units, rng)], DECOYS).p_value for _ in range(draws)]
    )


def _ranks(units: int, rng: np.random.Generator) -> Ints:
    """The rank that each candidate of each unit would have, [units, candidates]."""
    fixed, ties = scores((units, DECOYS + 1), rng), rng.permuted(np.tile(np.arange(DECOYS + 1), (units, 1)), axis=1)
    return np.array(
        [[published_rank(fixed[k], j, ties[k]) for j in range(DECOYS + 1)] for k in range(units)], dtype=np.intp
    )


def _published(units: int, rng: np.random.Generator) -> Ints:
    return rng.integers(0, DECOYS + 1, size=units)


def twins(units: int, draws: int, rng: np.random.Generator) -> Floats:
    """Signed ranks of differences between versions, many of them zero."""
    fixed, ties = scores((units, 1), rng)[:, 0], rng.permutation(units)
    coins, zeros = rng.integers(0, 2, size=(2, draws, units)).astype(bool)
    return np.array(
        [signed_rank_test(np.where(c, fixed, -fixed), ties, z).p_value for c, z in zip(coins, zeros, strict=True)]
    )


def _sizes(units: int) -> tuple[tuple[int, int], ...]:
    """Published and withheld documents of two strata, one three times the other."""
    few = units // 4 + 1
    many = units - few
    return ((few - few // 3 - 1, few // 3 + 1), (many - many // 3, many // 3))


def holdout(units: int, draws: int, rng: np.random.Generator) -> Floats:
    """Rank sum of a hold-out that was dealt inside two strata of unlike documents."""
    sizes = _sizes(units)
    strata = np.repeat([0, 1], [sum(pair) for pair in sizes])
    fixed, ties = scores((units, 1), rng)[:, 0] + 5 * strata, rng.permutation(units)
    labels = np.concatenate([np.arange(sum(pair)) < pair[0] for pair in sizes])
    found = []
    for _ in range(draws):
        dealt = np.concatenate([rng.permutation(labels[strata == part]) for part in (0, 1)])
        found.append(two_sample_rank_test(fixed, dealt, strata, ties).p_value)
    return np.array(found)


def betting_canaries(units: int, draws: int, rng: np.random.Generator) -> Floats:
    """The smallest p-value that betting on ranks has at any time."""
    ranks = _ranks(units, rng)
    return np.array(
        [
            anytime_p_values(betting_process(rank_gains(ranks[np.arange(units), _published(units, rng)], DECOYS)))[-1]
            for _ in range(draws)
        ]
    )


def betting_twins(units: int, draws: int, rng: np.random.Generator) -> Floats:
    """The smallest p-value that betting on differences has at any time."""
    fixed = scores((units, 1), rng)[:, 0]
    coins = rng.integers(0, 2, size=(draws, units)).astype(bool)
    return np.array([anytime_p_values(betting_process(twin_gains(np.where(c, fixed, -fixed))))[-1] for c in coins])


def _largest_below(level: float, largest: int, tail: Callable[[int], float]) -> float:
    low, high = 0, largest + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if tail(middle) <= level else (middle, high)
    return tail(high) if high <= largest else 0.0


def _attainable_canaries(units: int, level: float) -> float:
    sizes = Counter({DECOYS: units})
    return _largest_below(level, units * DECOYS, lambda value: rank_sum_tail(value, sizes)[0])


def _attainable_twins(units: int, level: float) -> float:
    return _largest_below(level, units * (units + 1) // 2, lambda value: signed_rank_tail(value, units)[0])


def _attainable_holdout(units: int, level: float) -> float:
    sizes = _sizes(units)
    return _largest_below(level, sum(a * b for a, b in sizes), lambda value: two_sample_tail(value, sizes)[0])


DEALT = (
    DealtRow("canaries", canaries, _attainable_canaries),
    DealtRow("twins", twins, _attainable_twins),
    DealtRow("hold-out, rank sum", holdout, _attainable_holdout),
    DealtRow("betting on canaries", betting_canaries, None),
    DealtRow("betting on twins", betting_twins, None),
)
