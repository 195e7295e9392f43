"""Files that are sorted, as a whole or in pieces, by a column, a date, the text, its length or a digest."""

from __future__ import annotations

import numpy as np

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.keys import keys
from auditor.dealt.order_checks.shuffles import Statistic, shuffle_test
from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Floats, Ints

LEVEL = 0.01
_FINDINGS = ("rises or falls along", "is sorted in pieces by", "has neighbours that are alike in")


@order_check(
    name="sorted",
    order=20,
    question="Is the file unsorted, by its texts and by every column?",
    blind_spots="An order by something that stands in no column and cannot be computed from the text.",
    remediation="Bring the file in the order in which it was published, if that was random; a sorted file is "
    "likelier in its order under any model, trained or not. A column that only counts the rows after they were "
    "shuffled can be left out.",
    level=LEVEL,
)
def sorted_columns(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Test trends, rises in a row and small steps of every key at once."""
    named = list(keys(table))
    found = shuffle_test(table, [_statistics(ranks, table) for _, ranks in named], rng)
    if found.p_value > LEVEL or not named:
        return OrderFinding("No key sorts the file more than chance does.", False, found.p_value)
    key, what = divmod(found.largest, len(_FINDINGS))
    return OrderFinding(f"The file {_FINDINGS[what]} {named[key][0]}.", True, found.p_value)


def _statistics(ranks: Ints, table: OrderTable) -> Statistic:
    """Of one key what `_FINDINGS` says, each as a whole number."""
    positions, first = 2 * np.arange(len(ranks)) - (len(ranks) - 1), table.pairs

    def measure(orders: Ints) -> Floats:
        arranged = ranks[orders]
        steps = arranged[:, first + 1] - arranged[:, first]
        counts = (np.abs(arranged @ positions), np.abs(np.sign(steps).sum(axis=1)), -np.abs(steps).sum(axis=1))
        return np.stack(counts).astype(np.float64)

    return measure
