"""Comparing tables of figures that were made again from texts or models, on whatever machine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from auditor.verify.differences import Difference


def far_cells(
    where: str, stored: npt.NDArray[np.float64], again: npt.NDArray[np.float64], *, most: float
) -> Iterator[Difference]:
    """Cells that are farther apart than another machine could make them.

    Args:
        where: Path of the table.
        stored: [rows, columns] What the file holds.
        again: [rows, columns] What it should hold, NaN where there is nothing.
        most: Largest difference that counts as none, as a share of the largest figure of the column.
    """
    if stored.shape != again.shape:
        yield Difference(where, f"a table of shape {stored.shape}", f"one of shape {again.shape}")
        return
    if not again.size:
        return
    scale = np.nan_to_num(np.nanmax(np.abs(again), axis=0, initial=0.0))
    alike = (np.isnan(stored) & np.isnan(again)) | (np.abs(stored - again) <= most * scale)
    for row, column in zip(*np.nonzero(~alike), strict=True):
        cells = (None if np.isnan(table[row, column]) else float(table[row, column]) for table in (stored, again))
        yield Difference(f"{where}[{row}][{column}]", *cells)
