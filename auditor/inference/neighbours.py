"""Test whether the nearest neighbours of rows are on their own side, as a split by source leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Result of the neighbour test.

    Attributes:
        p_value: Add-one permutation p-value, one-sided.
        same: Share of nearest neighbours that are on the row's own side.
        expected: The same share averaged over the permutations.
    """

    p_value: float
    same: float
    expected: float


def nearest(coordinates: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.intp]:
    """The nearest other rows by cosine.

    Args:
        coordinates: [rows, k]; a row of zeros has no neighbour.
        count: Number of neighbours.

    Returns:
        [rows, count] row indices. Distances are computed in blocks of rows, never all at once.
    """
    norms = np.linalg.norm(coordinates, axis=1, keepdims=True)
    unit = np.divide(coordinates, norms, out=np.zeros_like(coordinates), where=norms > 0)
    neighbours = np.empty((len(unit), count), dtype=np.intp)
    for start in range(0, len(unit), _CHUNK):
        block = unit[start : start + _CHUNK] @ unit.T
        block[np.arange(len(block)), start + np.arange(len(block))] = -np.inf
        neighbours[start : start + _CHUNK] = np.argpartition(-block, count - 1, axis=1)[:, :count]
    return neighbours


def neighbour_test(
    coordinates: npt.NDArray[np.float64],
    suspect: npt.NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    permutations: int,
    count: int = 3,
) -> Neighbours:
    """Count how often a row's nearest neighbours are on its own side.

    If whole books are assigned to a side and then cut into documents, each document's nearest neighbours come from its
    own book and so from its own side, although no direction in the space separates the sides. If single documents are
    assigned at random, neighbours are on either side by chance, however clustered the collection is.

    Null: the labels are exchangeable between the rows. Unit: the row. Exact under that null: the neighbours do not
    depend on the labels. Source: Schilling 1986 (J. Am. Stat. Assoc. 81), here by permutation.

    Args:
        coordinates: [rows, k] of each row, computed without the labels.
        suspect: [rows] labels.
        rng: Draws the permutations.
        permutations: Number of permutations.
        count: Neighbours of each row.
    """
    near = nearest(coordinates, min(count, len(coordinates) - 1))
    labels = np.asarray(suspect, dtype=bool)
    shares = np.empty(permutations + 1)
    for index in range(permutations + 1):
        drawn = labels if index == 0 else rng.permutation(labels)
        shares[index] = np.mean(drawn[near] == drawn[:, None])
    return Neighbours(
        p_value=float(np.mean(shares >= shares[0] - 1e-12)), same=float(shares[0]), expected=float(shares[1:].mean())
    )
