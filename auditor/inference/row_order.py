"""Test whether neighbouring rows resemble each other, as rows of one source in one file do."""

from __future__ import annotations

import numpy as np

from auditor.inference.design import Floats, normal_scores
from auditor.inference.discriminant import RIDGE
from auditor.inference.null_distribution import standardise, tail
from auditor.inference.threads import one_blas_thread
from auditor.results.separability import RowOrder

FEWEST = 8

_CHUNK_BYTES = 500_000


def row_order(values: Floats, *, rng: np.random.Generator, orders: int = 999) -> RowOrder | None:
    """Whether neighbouring rows resemble each other; see `block_test`.

    Args:
        values: [rows, columns] of one side, in reading order.
        rng: Draws the orders.
        orders: Random orders to compare with.

    Returns:
        None for fewer than eight rows.
    """
    if len(values) < FEWEST:
        return None
    with one_blas_thread():
        p_value, run_length, ratio = block_test(values, orders=orders, rng=rng)
    return RowOrder(p_value=p_value, run_length=run_length, variance_ratio=ratio)


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
    chunk = max(1, _CHUNK_BYTES // both.nbytes)
    for start in range(0, orders + 1, chunk):
        drawn = range(start, min(start + chunk, orders + 1))
        arranged = np.stack([both if index == 0 else both[rng.permutation(count)] for index in drawn])
        running = np.zeros((len(drawn), count + 1, 2 * width))
        np.cumsum(arranged, axis=1, out=running[:, 1:])
        for number, edge in enumerate(edges):
            ends = running[:, edge]
            squares = np.square(ends[:, 1:] - ends[:, :-1]).sum(axis=1)
            sums[2 * number, drawn] = squares[:, :width].sum(axis=1)
            sums[2 * number + 1, drawn] = squares[:, width:].sum(axis=1)
    z = standardise(sums)
    largest = z.max(axis=0)
    best = int(np.argmax(z[:, 0])) // 2
    plain = sums[2 * best]
    ratio = float(plain[0] / plain[1:].mean()) if plain[1:].mean() > 0 else 1.0
    return float(tail(largest, largest[0])), sizes[best], ratio
