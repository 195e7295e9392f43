"""Rows: what the statistical engine is handed. Rows are groups, columns features; no text, no model."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def unit_means(values: npt.NDArray[np.float64], unit: npt.NDArray[np.intp], units: int) -> npt.NDArray[np.float64]:
    """Unweighted means over the documents of each unit that have a value.

    Args:
        values: [documents, columns]; NaN where there is none.
        unit: [documents] which unit each belongs to, 0 to units - 1.
        units: How many there are.

    Returns:
        [units, columns]; NaN where no document of the unit has a value.
    """
    present = ~np.isnan(values)
    sums = np.zeros((units, values.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, unit, np.where(present, values, 0.0))
    np.add.at(counts, unit, present)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
