"""Bootstrap by group, the same samples for every checkpoint and measure, so that differences and ratios are paired."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor.inference.auc import resamples, weighted_auc
from auditor.inference.design import Bools, Floats, Ints
from auditor.results.forgetting.estimate import Estimate

LEVEL = 0.95
NO_SPREAD = 1e-9
"""What a standard deviation, or a loss that is divided by, counts at least (bits per byte); keeps figures finite."""


class Resampler:
    """Bootstrap samples of groups, drawn once.

    Two sets and the groups that stand in both are resampled within their kind (see `auditor.inference.auc.resamples`).
    A group brings all its checkpoints and measures along. Unit: the group. Assumption: groups are independent.
    """

    def __init__(self, suspect: Bools, pairs: Ints, *, bootstraps: int, rng: np.random.Generator) -> None:
        """Draw the samples.

        Args:
            suspect: [rows] which set a row is of; all True where there is one set.
            pairs: [pairs, 2] the two rows of each group in both sets.
            bootstraps: How many.
            rng: Draws them.
        """
        self._suspect = suspect
        # Counts are small; as float64 the samples of large sets would fill the memory.
        self._chunks = [chunk.astype(np.uint16) for chunk in resamples(suspect, pairs, bootstraps, rng)]

    @classmethod
    def of_one_set(cls, rows: int, *, bootstraps: int, rng: np.random.Generator) -> Resampler:
        """Samples of the rows of one set."""
        return cls(np.ones(rows, dtype=bool), np.empty((0, 2), dtype=np.intp), bootstraps=bootstraps, rng=rng)

    def _weights(self) -> Iterator[Floats]:
        for chunk in self._chunks:
            yield chunk.astype(np.float64)

    def means(self, values: Floats, *, suspect: bool = True) -> Floats:
        """Mean of each column over the rows of one set in every sample, [samples, columns].

        Args:
            values: [rows, columns]; rows without a value are left out.
            suspect: Which set.

        Returns:
            NaN where no row of a sample has a value.
        """
        mine = self._suspect == suspect
        present = ~np.isnan(values[mine])
        known = np.where(present, values[mine], 0.0)
        parts = []
        for weights in self._weights():
            counts = weights[mine].T @ present.astype(np.float64)
            sums = weights[mine].T @ known
            parts.append(np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0))
        return np.concatenate(parts)

    def spreads(self, values: Floats) -> Floats:
        """Pooled standard deviation of each column in every sample, [samples, columns], at least `NO_SPREAD`."""
        freedom = len(values) - 2
        squares = np.zeros(1)
        for side in (True, False):
            mine = self._suspect == side
            centred = np.where(mine[:, None], values - values[mine].mean(axis=0), 0.0)
            means = self.means(centred, suspect=side)
            squares = squares + mine.sum() * (self.means(np.square(centred), suspect=side) - np.square(means))
        return np.asarray(np.maximum(np.sqrt(np.maximum(squares, 0.0) / freedom), NO_SPREAD), dtype=np.float64)

    def aucs(self, scores: Floats) -> Floats:
        """AUC of each column of scores [rows, columns] in every sample, [samples, columns], ties counting half."""
        return np.concatenate(
            [
                np.stack([weighted_auc(column, self._suspect, weights) for column in scores.T], axis=1)
                for weights in self._weights()
            ]
        )


def estimate(value: float, samples: Floats) -> Estimate:
    """A figure with the 95 % percentile interval of its samples; samples without a value are left out.

    The interval is a little too narrow for few groups (by the factor sqrt(1 - 1/n) at least) and says nothing about
    what no group shows: where every group has the same value it has no width.
    """
    low, high = np.nanquantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value=value, low=float(low), high=float(high), level=LEVEL)
