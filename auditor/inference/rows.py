"""Rows: what the statistical engine is handed. Rows are groups, columns features; no text, no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Column:
    """What the engine may know of a feature."""

    name: str
    family: str
    direction: Literal[-1, 0, 1]


@dataclass(frozen=True, slots=True)
class Rows:
    """Two sets of groups in one matrix.

    Attributes:
        values: [groups, columns] float64; NaN where a feature could not be computed for the group.
        suspect: [groups] bool, True for rows of the suspect side.
        groups: [groups] names; a name on both sides is two rows that always share a fold.
        columns: The meaning of each column.
    """

    values: npt.NDArray[np.float64]
    suspect: npt.NDArray[np.bool_]
    groups: tuple[str, ...]
    columns: tuple[Column, ...]
