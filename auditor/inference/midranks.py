"""Ranks where ties share their average: `scipy.stats` has them too, and takes a second to import."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def midranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rank [rows, columns], from 1, of each value in its column; tied values share their average rank.

    Args:
        values: [rows, columns]; NaN is in no rank, and its own is NaN. Infinities are ranked like any value.
    """
    ranks = np.empty(values.shape)
    for ranked, column in zip(ranks.T, values.T, strict=True):
        ordered = np.sort(column)
        first, last = (np.searchsorted(ordered, column, side=side) for side in ("left", "right"))
        ranked[:] = (first + last + 1) / 2
    ranks[np.isnan(values)] = np.nan
    return ranks
