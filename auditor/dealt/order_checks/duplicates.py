"""Equal rows that stand next to each other."""

from __future__ import annotations

import numpy as np

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.shuffles import shuffle_test
from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Floats, Ints
from auditor.results.guards import GuardFigure

LEVEL = 0.005


@order_check(
    name="duplicates",
    order=70,
    question="Do equal rows stand apart, as by chance?",
    blind_spots="Rows that are nearly equal, which the check of neighbours sees.",
    remediation="Remove repeated rows before the test.",
    level=LEVEL,
)
def duplicates(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Count equal neighbours, white space and case aside, against shuffled rows."""
    texts = [" ".join(text.casefold().split()) for text in table.seen(table.texts)]
    number = {text: at for at, text in enumerate(dict.fromkeys(texts))}
    codes = np.array([number[text] for text in texts], dtype=np.intp)
    first = table.pairs

    def equal(orders: Ints) -> Floats:
        count: Floats = (codes[orders[:, first]] == codes[orders[:, first + 1]]).sum(axis=1).astype(np.float64)
        return count

    adjacent = int((codes[first] == codes[first + 1]).sum())
    figures = (GuardFigure(name="equal neighbours", value=adjacent),)
    if not adjacent:
        return OrderFinding("No two neighbouring rows are equal.", False, None, figures)
    found = shuffle_test(table, [equal], rng)
    if found.p_value > LEVEL:
        return OrderFinding("Equal rows are neighbours as often as by chance.", False, found.p_value, figures)
    return OrderFinding(f"{adjacent:,} rows are equal to the row before.", True, found.p_value, figures)
