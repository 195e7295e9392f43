"""What both an audit of one model and a series keep of their scores, exactly: no text, no token."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import AfterValidator

from auditor.core.record import Count, Record
from auditor.results.rows import Column, FeatureTable, Numerics, Rows


def _rectangular(rows: tuple[tuple[float | None, ...], ...]) -> tuple[tuple[float | None, ...], ...]:
    if len({len(row) for row in rows}) > 1:
        raise ValueError("all rows must be of one length")
    return rows


Cells = Annotated[tuple[tuple[float | None, ...], ...], AfterValidator(_rectangular)]
"""Rows of figures, None where there is none; JSON writes the shortest decimals that give the same float64 again."""


def to_cells(values: npt.NDArray[np.float64]) -> Cells:
    """[rows, columns] as it is kept; NaN becomes None."""
    return tuple(tuple(None if math.isnan(value) else value for value in row) for row in values.tolist())


def from_cells(cells: Cells) -> npt.NDArray[np.float64]:
    """[rows, columns] as it was; None becomes NaN."""
    return np.array([[math.nan if value is None else value for value in row] for row in cells], dtype=np.float64)


class StoredColumn(Record):
    """What the engine may know of a feature; see `auditor.inference.rows.Column`."""

    name: str
    family: str
    direction: Literal[-1, 0, 1]


class Table(Record):
    """Features of documents, in document order."""

    columns: tuple[StoredColumn, ...]
    """The meaning of each column."""

    values: Cells
    """[documents, columns]; None where a feature could not be computed."""

    @classmethod
    def of(cls, table: FeatureTable | Rows) -> Self:
        """Keep a table without the reasons for what is missing, or rows without the names of their groups."""
        columns = tuple(StoredColumn(name=c.name, family=c.family, direction=c.direction) for c in table.columns)
        return cls(columns=columns, values=to_cells(table.values))

    def features(self) -> FeatureTable:
        """The table again, without reasons."""
        columns = tuple(Column(c.name, c.family, c.direction) for c in self.columns)
        return FeatureTable(from_cells(self.values).reshape(len(self.values), len(columns)), columns, {})


class StoredNumerics(Record):
    """What the scoring of a few probe documents showed; see `auditor.signals.probes.Numerics`."""

    probed: Count
    batch_difference: float | None
    token_difference: float | None
    shuffled: Count
    disordered: Count

    @classmethod
    def of(cls, numerics: Numerics) -> Self:
        """Keep what the probes showed; NaN becomes None."""
        gaps = (numerics.batch_difference, numerics.token_difference)
        batch, token = (None if math.isnan(gap) else gap for gap in gaps)
        return cls(
            probed=numerics.probed,
            batch_difference=batch,
            token_difference=token,
            shuffled=numerics.shuffled,
            disordered=numerics.disordered,
        )

    def numerics(self) -> Numerics:
        """What they showed again."""
        batch, token = (math.nan if gap is None else gap for gap in (self.batch_difference, self.token_difference))
        return Numerics(self.probed, batch, token, self.shuffled, self.disordered)
