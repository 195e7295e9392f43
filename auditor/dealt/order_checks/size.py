"""Too few blocks, too few rows in a block, or rows that a window cuts."""

from __future__ import annotations

import numpy as np

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.table import OrderTable
from auditor.results.guards import GuardFigure

FEWEST_BLOCKS = 30
FEWEST_ROWS = 2


@order_check(
    name="size",
    order=10,
    question="Are there thirty blocks or more of two whole rows or more?",
    blind_spots="Everything but the numbers of blocks and rows.",
    remediation="Bring a longer file, fewer rows a block, or a model with a longer window.",
)
def size(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Compare blocks, rows and cuts with their limits."""
    figures = (
        GuardFigure(name="blocks", value=table.blocks, limit=FEWEST_BLOCKS),
        GuardFigure(name="rows a block", value=table.rows_per_block, limit=FEWEST_ROWS),
        GuardFigure(name="rows cut by the window", value=table.cut_rows, limit=0),
    )
    shape = f"{table.blocks:,} blocks of {table.rows_per_block} rows"
    if table.cut_rows:
        return OrderFinding(f"The window of the model cuts {table.cut_rows:,} rows.", True, None, figures)
    if table.blocks < FEWEST_BLOCKS or table.rows_per_block < FEWEST_ROWS:
        return OrderFinding(f"There are {shape}, too few for the order to say anything.", True, None, figures)
    return OrderFinding(f"There are {shape}.", False, None, figures)
