"""Labels and categories that come in runs, or take turns, along the file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.shuffles import Statistic, away_from_mean, shuffle_test
from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Floats, Ints

LEVEL = 0.01
_MOST_LABELS = 50
_MOST_COLUMNS = 64


@order_check(
    name="labels",
    order=60,
    question="Are labels and categories in no order along the file?",
    blind_spots="Categories that stand in no column and at neither end of the text.",
    remediation="Bring a file that was shuffled across its labels before publication.",
    level=LEVEL,
)
def labels(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Test the number of neighbours with one label, for runs and for turns, in every column at once (runs test)."""
    named = list(_categories(table))
    found = shuffle_test(table, [away_from_mean(_same(codes, table)) for _, codes in named], rng)
    if found.p_value > LEVEL or not named:
        return OrderFinding("Labels follow each other as by chance.", False, found.p_value)
    return OrderFinding(f"{named[found.largest][0]} comes in runs or takes turns.", True, found.p_value)


def _categories(table: OrderTable) -> Iterator[tuple[str, Ints]]:
    """Codes [rows] of each column of few values, and of the first and last words of the texts where these are few."""
    split = [text.split() or [""] for text in table.seen(table.texts)]
    columns: list[tuple[str, Sequence[Any]]] = [
        ("The first word of the text", [parts[0] for parts in split]),
        ("The last word of the text", [parts[-1] for parts in split]),
    ]
    taken = list(table.columns.items())[:_MOST_COLUMNS]
    columns += [(f"Column {name!r}", table.seen(column)) for name, column in taken]
    for name, values in columns:
        hashable = [_hashable(value) for value in values]
        counts = Counter(hashable)
        if 2 <= len(counts) <= min(_MOST_LABELS, max(2, len(values) // 5)):
            code = {value: number for number, value in enumerate(counts)}
            yield name, np.array([code[value] for value in hashable], dtype=np.intp)


def _hashable(value: Any) -> Hashable:
    return value if isinstance(value, str | int | float | None) else json.dumps(value, default=str)


def _same(codes: Ints, table: OrderTable) -> Statistic:
    first = table.pairs

    def count(orders: Ints) -> Floats:
        equal: Floats = (codes[orders[:, first]] == codes[orders[:, first + 1]]).sum(axis=1).astype(np.float64)
        return equal

    return count
