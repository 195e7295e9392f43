"""The design: everything the engine may know without the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from auditor.core.errors import UsageError
from auditor.inference.midranks import midranks
from auditor.results.rows import Rows

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

_CHUNK_BYTES = 16_000_000
_FLAT = 1e-12


@dataclass(frozen=True, slots=True)
class Design:
    """Rows in a canonical order, as oriented normal scores, with their folds.

    Nothing here but `suspect` and `pairs` depends on the labels, so relabelling leaves the design as it is: the
    condition under which the permutation test is exact.

    Attributes:
        order: [rows] index of each row in the caller's rows (by fold, then group, suspect first in a group).
        matrix: [rows, columns] normal scores, centred, times the column's direction where it has one.
        suspect: [rows] bool, the observed labels.
        pairs: [pairs, 2] the two rows of each group that stands on both sides.
        singles: [rows - 2 pairs] all other rows.
        folds: The rows of each fold, contiguous; rows of one group share a fold.
    """

    order: Ints
    matrix: Floats
    suspect: Bools
    pairs: Ints
    singles: Ints
    folds: tuple[slice, ...]


def normal_scores(values: Floats) -> Floats:
    """Ranks of each column through the normal quantile (van der Waerden scores), blind to the labels.

    Ties share their average rank. Missing values have no rank and score zero, the centre. Columns are
    then centred; a column that is constant or empty becomes all zeros.

    Args:
        values: [rows, columns], NaN where missing; infinities are ranked like any value.

    Returns:
        [rows, columns] float64.
    """
    missing = np.isnan(values)
    ranks = midranks(values)
    scores = np.where(missing, 0.0, ndtri(ranks / (len(values) - missing.sum(axis=0) + 1)))
    scores -= scores.mean(axis=0)
    scores[:, np.ptp(scores, axis=0) < _FLAT] = 0.0
    return scores


def assign_folds(groups: tuple[str, ...], folds: int, rng: np.random.Generator) -> Ints:
    """Random folds of equal size in groups, independent of the labels.

    Stratifying by label would make the folds a function of the labels, and refitting under permuted labels with the
    observed folds would no longer be exact.
    """
    names = sorted(set(groups))
    fold_of = dict(zip(names, rng.permutation(len(names)) % folds, strict=True))
    return np.array([fold_of[name] for name in groups], dtype=np.intp)


def build_design(rows: Rows, *, folds: int, rng: np.random.Generator) -> Design:
    """Sort, score and fold the rows.

    Raises:
        UsageError: A side has fewer than two groups.
        ValueError: The shapes disagree, a group has several rows on one side, or there are fewer than two folds.
    """
    suspect = np.asarray(rows.suspect, dtype=bool)
    if rows.values.shape != (len(suspect), len(rows.columns)) or len(rows.groups) != len(suspect):
        raise ValueError(
            f"rows disagree: values {rows.values.shape}, {len(suspect)} labels, {len(rows.groups)} groups, "
            f"{len(rows.columns)} columns"
        )
    if folds < 2:
        raise ValueError(f"at least two folds are needed, not {folds}")
    for side, count in (("suspect", suspect.sum()), ("held-out", (~suspect).sum())):
        if count < 2:
            raise UsageError(
                f"the {side} side has {count} groups; the test needs at least two a side",
                hint="Add documents, or check the grouping column: everything may have fallen into one group.",
            )
    repeated = [key for key, count in Counter(zip(rows.groups, suspect.tolist(), strict=True)).items() if count > 1]
    if repeated:
        raise ValueError(f"rows are groups, but {repeated[0][0]!r} has several rows on one side: average them first")

    # A fold of one row, centred on itself, would score nothing.
    workable = min(folds, max(2, len(set(rows.groups)) // 3))
    fold = assign_folds(rows.groups, workable, rng)
    order = np.array(
        sorted(range(len(suspect)), key=lambda row: (fold[row], rows.groups[row], not suspect[row])), dtype=np.intp
    )
    second = [row for row in range(1, len(order)) if rows.groups[order[row]] == rows.groups[order[row - 1]]]
    pairs = np.array(second, dtype=np.intp)[:, None] + np.array([-1, 0])
    edges = np.searchsorted(fold[order], np.arange(workable + 1))
    signs = np.array([column.direction or 1 for column in rows.columns], dtype=np.float64)
    return Design(
        order=order,
        matrix=np.ascontiguousarray(normal_scores(rows.values[order]) * signs),
        suspect=suspect[order],
        pairs=pairs,
        singles=np.setdiff1d(np.arange(len(order)), pairs),
        folds=tuple(slice(int(start), int(stop)) for start, stop in pairwise(edges)),
    )


def permuted_labels(
    design: Design, permutations: int, rng: np.random.Generator, *, chunk_bytes: int = _CHUNK_BYTES
) -> Iterator[Floats]:
    """The observed labels, then random permuted labels that are as likely under the null.

    Labels of groups on one side are permuted among themselves; the two rows of a group on both sides swap labels by a
    fair coin, which assumes less than exchangeability between groups. The draw does not depend on the chunk size.

    Yields:
        [rows, chunk] of 0 and 1 as float64; in the first chunk column 0 is the observed labelling.
    """
    labels = design.suspect.astype(np.int8)
    size = max(1, chunk_bytes // (8 * len(labels)))
    shuffle, flip = rng.spawn(2)
    done = 0
    while done <= permutations:
        count = min(size, permutations + 1 - done)
        drawn = count - (done == 0)
        chunk = np.tile(labels, (count, 1))
        fresh = chunk[count - drawn :]
        fresh[:, design.singles] = shuffle.permuted(fresh[:, design.singles], axis=1)
        if len(design.pairs):
            coins = flip.integers(0, 2, size=(drawn, len(design.pairs)), dtype=np.int64).astype(np.int8)
            fresh[:, design.pairs[:, 0]] = coins
            fresh[:, design.pairs[:, 1]] = 1 - coins
        yield np.ascontiguousarray(chunk.T, dtype=np.float64)
        done += count
