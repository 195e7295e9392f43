"""Rows of the statistical engine: rows are groups, columns features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def unit_means(values: npt.NDArray[np.float64], unit: npt.NDArray[np.intp], units: int) -> npt.NDArray[np.float64]:
    """Unweighted means over the documents of each unit that have a value.

    Args:
        values: [documents, columns]; NaN where a value is missing.
        unit: [documents] index of the unit of each, 0 to units - 1.
        units: Number of units.

    Returns:
        [units, columns]; NaN where no document of the unit has a value.
    """
    present = ~np.isnan(values)
    sums = np.zeros((units, values.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, unit, np.where(present, values, 0.0))
    np.add.at(counts, unit, present)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
