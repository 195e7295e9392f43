"""The permutation test of one difference of means: is a column higher on one side?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from auditor.inference.design import Bools, Design, Floats, build_design
from auditor.inference.null_distribution import tail
from auditor.results.rows import Column, Rows


def arrange(
    values: Floats, suspect: Bools, groups: Sequence[str], *, rng: np.random.Generator
) -> tuple[Design, Floats]:
    """The engine's design for these rows, and the values in its order.

    Args:
        values: [rows, columns], one row for each group and side.
        suspect: [rows] labels.
        groups: [rows] names; a name on both sides is a pair, whose labels are swapped and never shuffled.
        rng: Draws the folds, which no test of one column needs.

    Raises:
        UsageError: A side has fewer than two groups.
        ValueError: The shapes disagree or a group has several rows on one side.
    """
    columns = tuple(Column(f"column {number}", "column", 0) for number in range(values.shape[1]))
    design = build_design(Rows(values, suspect, tuple(groups), columns), folds=2, rng=rng)
    return design, np.ascontiguousarray(values[design.order])


def studentised_differences(values: Floats, design: Design, chunks: Iterable[Floats]) -> Floats:
    """Suspect mean less held-out mean over its standard error, under every labelling, on a bounded scale.

    The standard error is Welch's; a group on both sides enters it as one, through the difference of its two rows. The
    result is t / sqrt(rows + t^2), which orders labellings as t does and stays exact to rounding where t is huge.

    Args:
        values: [rows, columns] without missing values, in the order of the design.
        design: Labels and pairs.
        chunks: Labellings [rows, labellings] of 0 and 1, from `permuted_labels`.

    Returns:
        [columns, labellings] from -1 to 1; zeros for a column that is constant.

    Raises:
        ValueError: A value is missing.
    """
    if not np.all(np.isfinite(values)):
        raise ValueError("a difference of means needs a finite value in every row")
    flat = np.ptp(values, axis=0) <= 1e-12 * (1.0 + np.abs(values).max(axis=0))
    scores = np.where(flat, 0.0, values - values.mean(axis=0))
    squares = np.square(scores)
    sums, square_sums = scores.sum(axis=0)[:, None], squares.sum(axis=0)[:, None]
    ahead = int(design.suspect.sum())
    behind = len(scores) - ahead
    paired_rows = design.pairs.ravel()
    paired_sums = scores[paired_rows].sum(axis=0)[:, None]
    products = np.prod(scores[design.pairs], axis=1).sum(axis=0)[:, None]
    pools = []
    for labels in chunks:
        first = scores.T @ labels
        mean, other = first / ahead, (sums - first) / behind
        first_squares = squares.T @ labels
        variance = (first_squares / ahead - np.square(mean)) / (ahead - 1)
        variance += ((square_sums - first_squares) / behind - np.square(other)) / (behind - 1)
        if len(paired_rows):
            mine = scores[paired_rows].T @ labels[paired_rows]
            theirs = paired_sums - mine
            shared = products - other * mine - mean * theirs + len(design.pairs) * mean * other
            variance -= 2.0 * shared / np.sqrt(ahead * (ahead - 1.0) * behind * (behind - 1.0))
        difference = mean - other
        size = np.sqrt(len(scores) * np.maximum(variance, 0.0) + np.square(difference))
        pools.append(np.divide(difference, size, out=np.zeros_like(difference), where=size > 0))
    return np.hstack(pools)


def pvalues(pool: Floats) -> tuple[float, ...]:
    """Add-one permutation p-value of each column's difference in either direction, each on its own and uncorrected.

    Studentising changes nothing about exactness; it keeps the level nearly right where the sides have equal means and
    unequal spreads, where the rows are not exchangeable (Janssen 1997; Chung and Romano 2013).

    Null: the rows are exchangeable between the sides (the two rows of a group on both sides: within the group).
    Unit: the group. Assumption: none beyond exchangeability.

    Args:
        pool: [columns, labellings] of `studentised_differences`; the first labelling is the observed one.
    """
    return tuple(float(tail(row, row[0])) for row in np.abs(pool))
