"""OrderTable: rows in the order of a file, the blocks they are tested in, and their columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from auditor.core.errors import UsageError
from auditor.inference.design import Ints

MOST_ROWS = 3000
"""Rows that checks look at: whole blocks, evenly spread over the file."""


@dataclass(frozen=True)
class OrderTable:
    """A file whose order is tested inside blocks of rows.

    Attributes:
        texts: [rows] what a model is scored on, in the order of the file.
        columns: Other values of each row by name; None where a row has none.
        rows_per_block: Rows of each block; rows after the last whole block are not tested.
        cut_rows: Rows that do not fit the window of the model whole.
    """

    texts: tuple[str, ...]
    columns: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    rows_per_block: int = 8
    cut_rows: int = 0

    @property
    def blocks(self) -> int:
        """Whole blocks of the file."""
        return len(self.texts) // self.rows_per_block

    @cached_property
    def rows(self) -> Ints:
        """Positions of the rows that are looked at: blocks of neighbours, at most `MOST_ROWS`."""
        size = self.rows_per_block
        blocks = np.arange(self.blocks)
        step = max(1, -(-self.blocks * size // MOST_ROWS))
        chosen: Ints = (blocks[::step, None] * size + np.arange(size)).ravel()
        return chosen

    @cached_property
    def pairs(self) -> Ints:
        """Indices into `rows` of each row that has its neighbour after it in the same block."""
        inside: Ints = np.flatnonzero((np.arange(len(self.rows)) + 1) % self.rows_per_block)
        return inside

    def seen(self, values: Sequence[Any]) -> list[Any]:
        """The values of the rows that are looked at."""
        return [values[row] for row in self.rows]


def order_table(
    rows: Sequence[str | Mapping[str, Any]], *, field: str | None = None, rows_per_block: int = 8, cut_rows: int = 0
) -> OrderTable:
    """Build a table.

    Args:
        rows: In the order of the file; a text, or fields by name.
        field: The field that holds the text; where it is None, `text`, else all fields as JSON in their order.
        rows_per_block: Rows of each block.
        cut_rows: Rows that do not fit the window of the model whole.

    Raises:
        UsageError: A row lacks the field, or it holds no text; rows of a block are fewer than one.
    """
    if rows_per_block < 1:
        raise UsageError(f"a block of {rows_per_block} rows is none", hint="Give two rows or more.")
    names = list(dict.fromkeys(name for row in rows if not isinstance(row, str) for name in row))
    text = field or ("text" if "text" in names else None)
    return OrderTable(
        texts=tuple(_texts(rows, text)),
        columns={
            name: tuple(None if isinstance(row, str) else row.get(name) for row in rows)
            for name in names
            if name != text
        },
        rows_per_block=rows_per_block,
        cut_rows=cut_rows,
    )


def _texts(rows: Sequence[str | Mapping[str, Any]], name: str | None) -> Iterator[str]:
    for number, row in enumerate(rows, start=1):
        if isinstance(row, str):
            yield row
        elif name is None:
            yield json.dumps(row, ensure_ascii=False, default=str)
        elif isinstance(row.get(name), str):
            yield row[name]
        else:
            raise UsageError(f"row {number} has no text in {name!r}", hint="Name the column of the text with --field.")
