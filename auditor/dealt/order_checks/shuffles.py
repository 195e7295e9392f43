"""The one test of all checks with a level: statistics of the order of rows against the same after shuffling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Floats, Ints
from auditor.inference.null_distribution import standardise, tail

SHUFFLES = 499

Statistic = Callable[[Ints], Floats]
"""Of orders [orders, rows], indices of rows, one statistic [orders] or several [statistics, orders]: large where the
order is not by chance."""


@dataclass(frozen=True, slots=True)
class ShuffleTest:
    """The largest of several standardised statistics.

    Attributes:
        p_value: Share of the orders, the file's own included, with as large a maximum.
        largest: Index of the statistic that is largest in the file's own order.
    """

    p_value: float
    largest: int


def shuffle_test(
    table: OrderTable, statistics: Sequence[Statistic], rng: np.random.Generator, shuffles: int | None = None
) -> ShuffleTest:
    """Exact test that every order of the rows was as likely.

    Null: every order of the rows of the file was as likely. Unit: the row. Assumption: none. Source: Westfall and Young
    1993 (single-step maximum); Phipson and Smyth 2010.

    Args:
        table: The rows.
        statistics: Functions of an order; their maximum is tested, each standardised over all orders.
        rng: Draws the orders.
        shuffles: Random orders; `SHUFFLES` by default.
    """
    if not statistics:
        return ShuffleTest(1.0, 0)
    count = len(table.rows)
    orders = np.tile(np.arange(count), ((SHUFFLES if shuffles is None else shuffles) + 1, 1))
    orders[1:] = rng.permuted(orders[1:], axis=1)
    z = standardise(np.vstack([statistic(orders) for statistic in statistics]))
    pool = z.max(axis=0)
    return ShuffleTest(float(tail(pool, pool[0])), int(z[:, 0].argmax()))


def pair_mean(matrix: Floats, table: OrderTable, lag: int = 1) -> Statistic:
    """Sum over neighbours of a block of a value for each pair of rows.

    Args:
        matrix: [rows, rows] value of a row and one that follows it.
        table: The rows.
        lag: 1 for neighbours, 2 for every other row.
    """
    first = np.flatnonzero(np.arange(len(table.rows)) % table.rows_per_block + lag < table.rows_per_block)

    def total(orders: Ints) -> Floats:
        summed: Floats = matrix[orders[:, first], orders[:, first + lag]].sum(axis=1, dtype=np.float64)
        return summed

    return total


def away_from_mean(statistic: Statistic) -> Statistic:
    """A statistic of both sides: how far a statistic is from its mean over all orders."""

    def distance(orders: Ints) -> Floats:
        values = statistic(orders)
        away: Floats = np.abs(values - values.mean())
        return away

    return distance
