"""Accuracies with their intervals, from one set of resamples of the groups for all models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auditor.results.forgetting.estimate import Estimate

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
LEVEL = 0.95
_CHUNK_BYTES = 32_000_000


def accuracies(
    correct: Sequence[Bools], unit: Ints, units: int, *, bootstraps: int, rng: np.random.Generator
) -> tuple[Estimate, ...]:
    """The share of documents that are right, with a 95 % percentile interval over resampled groups.

    Groups are drawn with all their documents, the same draws for every member of `correct`, so figures of two models
    may be compared. Where every document is right, or none, all resamples agree although the truth need not: the exact
    binomial bound of as many groups is then taken (Clopper & Pearson 1934).

    Args:
        correct: For each model and measure, [documents] whether each is right.
        unit: [documents] the group of each, 0 to units - 1.
        units: How many groups there are.
        bootstraps: How many resamples.
        rng: Where the draws come from.
    """
    right = np.stack([np.bincount(unit, weights=one, minlength=units) for one in correct], axis=1)
    size = np.bincount(unit, minlength=units).astype(np.float64)
    samples = np.empty((bootstraps, len(correct)))
    step = max(1, _CHUNK_BYTES // (8 * units))
    for at in range(0, bootstraps, step):
        drawn = rng.multinomial(units, np.full(units, 1 / units), size=min(step, bootstraps - at)).astype(np.float64)
        samples[at : at + step] = (drawn @ right) / (drawn @ size)[:, None]
    values = right.sum(axis=0) / size.sum()
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    ends = np.quantile(samples, tails, axis=0)
    certain = ((1 - LEVEL) / 2) ** (1 / units)
    ends[0, values == 1], ends[1, values == 0] = certain, 1 - certain
    return tuple(
        Estimate(value=value, low=low, high=high, level=LEVEL)
        for value, (low, high) in zip(values.tolist(), ends.T.tolist(), strict=True)
    )
