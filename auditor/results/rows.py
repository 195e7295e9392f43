"""Plain tables: rows of groups or documents, columns of features."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class FeatureTable:
    """Features of documents, in document order.

    Attributes:
        values: [documents, columns] float64; NaN where a feature could not be computed.
        columns: The meaning of each column; a feature of one of several references is called `NAME@LABEL`.
        reasons: For each column's name, why values are missing and how many for that reason; empty where none is.
    """

    values: npt.NDArray[np.float64]
    columns: tuple[Column, ...]
    reasons: Mapping[str, Mapping[str, int]]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Numerics:
    """What the scoring of a few probe documents showed.

    Attributes:
        probed: Documents scored again, each alone and in float32.
        batch_difference: Largest difference of a document's mean log-probability between the two (nats a token); NaN if
            they do not even hold the same tokens.
        token_difference: Largest such difference of one token (nats).
        shuffled: Documents compared with their own words in random order.
        disordered: How many of them were no more probable (bits per byte) in their own order.
    """

    probed: int
    batch_difference: float
    token_difference: float
    shuffled: int
    disordered: int


Kind = Literal["exact", "near", "contained"]


@dataclass(frozen=True, slots=True)
class OverlapPair:
    """One document of each side that share their text.

    Attributes:
        suspect: Id of the suspect document.
        heldout: Id of the held-out document.
        kind: exact, near or contained; the strongest that holds.
        similarity: 1 for exact, the Jaccard index of the shingle sets for near, the share of the smaller document's
            shingles for contained.
    """

    suspect: str
    heldout: str
    kind: Kind
    similarity: float
