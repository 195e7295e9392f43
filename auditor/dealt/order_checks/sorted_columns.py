"""Files that are sorted, as a whole or in pieces, by a column, a date, the text, its length or a digest."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.keys import keys
from auditor.dealt.order_checks.shuffles import Statistic, shuffle_test
from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Floats, Ints

LEVEL = 0.01


@order_check(
    name="sorted",
    order=20,
    question="Is the file unsorted, by its texts and by every column?",
    blind_spots="An order by something that stands in no column and cannot be computed from the text.",
    remediation="Bring the file in the order in which it was published, if that was random; a sorted file is "
    "likelier in its order under any model, trained or not.",
    level=LEVEL,
)
def sorted_columns(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Test trends, rises in a row and small steps of every key at once."""
    named = [(what, name, statistic) for name, ranks in keys(table) for what, statistic in _statistics(ranks, table)]
    found = shuffle_test(table, [statistic for _, _, statistic in named], rng)
    if found.p_value > LEVEL or not named:
        return OrderFinding("No key sorts the file more than chance does.", False, found.p_value)
    what, name, _ = named[found.largest]
    return OrderFinding(f"The file {what} {name}.", True, found.p_value)


def _statistics(ranks: Floats, table: OrderTable) -> Iterator[tuple[str, Statistic]]:
    positions = np.arange(len(ranks)) - (len(ranks) - 1) / 2
    small = ranks.astype(np.float32)
    first = table.pairs

    def trend(orders: Ints) -> Floats:
        along: Floats = np.abs(small[orders] @ positions.astype(np.float32)).astype(np.float64)
        return along

    def rises(orders: Ints) -> Floats:
        steps = np.sign(small[orders[:, first + 1]] - small[orders[:, first]])
        more: Floats = np.abs(steps.sum(axis=1, dtype=np.float64))
        return more

    def closeness(orders: Ints) -> Floats:
        near: Floats = -np.abs(small[orders[:, first + 1]] - small[orders[:, first]]).sum(axis=1, dtype=np.float64)
        return near

    yield "rises or falls along", trend
    yield "is sorted in pieces by", rises
    yield "has neighbours that are alike in", closeness
