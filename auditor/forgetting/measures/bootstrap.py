"""Bootstrap by group, the same samples for every checkpoint and measure, so that differences and ratios are paired."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor.inference.auc import resamples, weighted_auc
from auditor.inference.design import Bools, Floats, Ints
from auditor.results.forgetting.estimate import Estimate

LEVEL = 0.95
NO_SPREAD = 1e-9
"""Smallest standard deviation or loss used as a divisor (bits per byte), so that figures stay finite."""


class Resampler:
    """Bootstrap samples of groups, drawn once and shared by all checkpoints and measures.

    Groups of one set, of the other and of both are resampled within their kind; see `auditor.inference.auc.resamples`.
    Unit: the group. Assumption: groups are independent.
    """

    def __init__(self, suspect: Bools, pairs: Ints, *, bootstraps: int, rng: np.random.Generator) -> None:
        """Draw the samples.

        Args:
            suspect: [rows] whether a row belongs to the suspect set; all True where there is one set.
            pairs: [pairs, 2] the two rows of each group in both sets.
            bootstraps: Number of samples.
            rng: Draws the samples.
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
            values: [rows, columns]; NaN is left out.
            suspect: Whether the mean is over the suspect set or the other.

        Returns:
            [samples, columns]; NaN where no row of a sample has a value.
        """
        mask = self._suspect == suspect
        present = ~np.isnan(values[mask])
        known = np.where(present, values[mask], 0.0)
        parts = []
        for weights in self._weights():
            counts = weights[mask].T @ present.astype(np.float64)
            sums = weights[mask].T @ known
            parts.append(np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0))
        return np.concatenate(parts)

    def spreads(self, values: Floats) -> Floats:
        """Pooled standard deviation of each column in every sample, [samples, columns], at least `NO_SPREAD`."""
        freedom = len(values) - 2
        squares = np.zeros(1)
        for side in (True, False):
            mask = self._suspect == side
            centred = np.where(mask[:, None], values - values[mask].mean(axis=0), 0.0)
            means = self.means(centred, suspect=side)
            squares = squares + mask.sum() * (self.means(np.square(centred), suspect=side) - np.square(means))
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
    """A figure with the 95 % percentile interval of its samples [samples]; NaN is left out.

    The interval is too narrow for few groups, by the factor sqrt(1 - 1/n) at least, and has zero width where every
    group has the same value.
    """
    low, high = np.nanquantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value=value, low=float(low), high=float(high), level=LEVEL)


def change_since_origin(values: Floats, samples: Floats, index: int) -> Estimate | None:
    """Change of values [checkpoints] with their samples [samples, checkpoints] since the origin; None at the origin."""
    return estimate(values[index] - values[0], samples[:, index] - samples[:, 0]) if index else None
