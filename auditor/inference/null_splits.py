"""Comparison of one side with itself: is the engine calibrated, and are neighbouring rows independent?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import kstest

from auditor.core.errors import UsageError
from auditor.inference.design import Floats, build_design, normal_scores, permuted_labels
from auditor.inference.discriminant import RIDGE
from auditor.inference.null_distribution import TIE, PermutationStatistics, standardise, tail
from auditor.inference.threads import one_blas_thread
from auditor.results.rows import Rows

_FEWEST = 8


@dataclass(frozen=True, slots=True)
class NullSplits:
    """Result of comparing one side with itself.

    Attributes:
        p_values: [splits] of the engine on random halves, drawn by us: uniform whatever the data, unless the engine
            is broken.
        uniformity_p: Kolmogorov-Smirnov p-value of those, ties broken by chance, against uniform.
        share_below: Share of them at or below 0.05.
        block_p: Exact p-value of 'the reading order of the rows does not matter'.
        block_size: Length of the runs of neighbours that resemble each other most.
        block_ratio: How many times more the difference between halves varies when such runs move together than when
            rows move alone; 1 where neighbours are independent. It is the factor by which the effective number of
            rows falls when such runs are the true units.
    """

    p_values: tuple[float, ...]
    uniformity_p: float
    share_below: float
    block_p: float
    block_size: int
    block_ratio: float


def null_split_pvalues(
    rows: Rows,
    *,
    rng: np.random.Generator,
    splits: int = 200,
    permutations: int = 9999,
    orders: int = 999,
    folds: int = 5,
) -> NullSplits:
    """Split one side in random halves many times, and in halves made of runs of neighbours.

    All splits share one design, its folds and one pool of permutations, so hundreds cost little more than one. Their
    p-values are never combined into evidence.

    `block_test` detects what random halves cannot: consecutive rows from one source.

    Args:
        rows: Rows of one side in reading order; `suspect` is ignored.
        rng: Draws splits and orders.
        splits: Random halves to report.
        permutations: Pool against which each is ranked.
        orders: Random orders for the block test.
        folds: Folds of the engine.

    Raises:
        UsageError: Fewer than eight rows.
    """
    count = len(rows.groups)
    if count < _FEWEST:
        raise UsageError(f"{count} groups cannot be split against themselves", hint=f"At least {_FEWEST} are needed.")
    with one_blas_thread():
        half_rng, fold_rng, label_rng, order_rng, tie_rng = rng.spawn(5)
        halves = half_rng.permutation(np.arange(count) < count // 2)
        design = build_design(replace(rows, suspect=halves), folds=folds, rng=fold_rng)
        statistics = PermutationStatistics(design, rows.columns)
        largest = standardise(statistics.pool(permuted_labels(design, permutations + splits - 1, label_rng)).raw).max(
            axis=0
        )
        drawn, pool = largest[:splits], largest[splits:]
        p = (tail(pool, drawn) * permutations + 1) / (permutations + 1)
        uniformity = kstest(_untied(pool, drawn, tie_rng), "uniform").pvalue
        block_p, size, ratio = block_test(rows.values, orders=orders, rng=order_rng)
    return NullSplits(
        p_values=tuple(p.tolist()),
        uniformity_p=float(uniformity),
        share_below=float(np.mean(p <= 0.05)),
        block_p=block_p,
        block_size=size,
        block_ratio=ratio,
    )


def _untied(pool: Floats, drawn: Floats, rng: np.random.Generator) -> Floats:
    """P-values with ties broken by chance: exactly uniform under the null also where the statistic takes few values."""
    ordered = np.sort(pool)
    above = len(ordered) - np.searchsorted(ordered, drawn + TIE, side="right")
    tied = len(ordered) - np.searchsorted(ordered, drawn - TIE, side="left") - above
    return np.asarray((above + rng.random(len(drawn)) * (tied + 1)) / (len(ordered) + 1), dtype=np.float64)


def block_test(values: Floats, *, orders: int, rng: np.random.Generator) -> tuple[float, int, float]:
    """Exact test of whether neighbouring rows resemble each other.

    If blocks of b neighbours are sent to either half by fair coins, the difference between the halves' sums has, over
    the coins, the mean square sum over blocks of |sum of the block's rows|^2. So no split need be drawn: that
    sum is the statistic, for b = 2, 4, 8, ... up to a quarter of the rows, once on the normal scores as they are and
    once decorrelated (ridge). Each is standardised over the given and the shuffled orders together, and the largest
    is ranked among them.

    Null: every order of the rows is equally likely. Unit: the row. Exact under that null. It cannot tell neighbours
    from one source from rows sorted by date or by length: in both the order matters.

    Args:
        values: [rows, columns] in reading order.
        orders: Random orders to compare with.
        rng: Draws them.

    Returns:
        The p-value; the block length with the largest statistic; and at that length the statistic on plain normal
        scores over its average in shuffled order.
    """
    scores = normal_scores(values)
    count, width = scores.shape
    eigenvalues, axes = np.linalg.eigh(scores.T @ scores / count)
    both = np.hstack([scores, scores @ (axes / np.sqrt(np.maximum(eigenvalues, 0.0) + RIDGE))])
    sizes = [2**power for power in range(1, 64) if 2**power <= count // 4]
    edges = [np.minimum(np.arange(0, count + size, size), count) for size in sizes]
    sums = np.empty((2 * len(sizes), orders + 1))
    running = np.zeros((count + 1, 2 * width))
    for index in range(orders + 1):
        arranged = both if index == 0 else both[rng.permutation(count)]
        np.cumsum(arranged, axis=0, out=running[1:])
        for number, edge in enumerate(edges):
            squares = np.square(np.diff(running[edge], axis=0)).sum(axis=0)
            sums[2 * number, index] = squares[:width].sum()
            sums[2 * number + 1, index] = squares[width:].sum()
    z = standardise(sums)
    largest = z.max(axis=0)
    best = int(np.argmax(z[:, 0])) // 2
    plain = sums[2 * best]
    ratio = float(plain[0] / plain[1:].mean()) if plain[1:].mean() > 0 else 1.0
    return float(tail(largest, largest[0])), sizes[best], ratio
