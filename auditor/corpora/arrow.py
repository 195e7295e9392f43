"""Arrow record batches to rows, shared by every reader of columnar data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from auditor.core.errors import UsageError, reason_of
from auditor.core.text import quoted
from auditor.corpora.reader import RawRow, UnreadableCell

BATCH_ROWS = 256


def refuse_doubled(names: Sequence[str], where: str) -> None:
    """Refuse a table in which two columns have one name: it is not clear which of them is meant.

    Raises:
        UsageError: A name stands twice.
    """
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise UsageError(f"{where}: two columns are named {quoted(twice)}", hint="Rename one of the columns.")


def batch_rows(batches: Iterable[Any], name: str, where: str) -> Iterator[RawRow]:
    """Yield the rows of record batches or tables, in order, numbered from 1.

    Nested and binary columns are not converted, nor are columns with values that Python has not; each cell is an
    `UnreadableCell`.

    Args:
        batches: `pyarrow.RecordBatch` or `pyarrow.Table` objects with one schema.
        name: First part of the ids, before `:ROW`.
        where: The source as the user gave it.

    Raises:
        UsageError: A column is damaged, or a string cell is not valid UTF-8.
    """
    number = 0
    for batch in batches:
        if not number:
            refuse_doubled(batch.schema.names, where)
        columns = [
            _column(batch.column(i), f"{where}: column {quoted(field.name)}", number)
            for i, field in enumerate(batch.schema)
        ]
        names = list(batch.schema.names)
        for cells in zip(*columns, strict=True):
            number += 1
            yield RawRow(f"{name}:{number}", f"{where}, row {number}", dict(zip(names, cells, strict=True)))


def _refuse_damaged(column: Any, where: str) -> None:
    """Refuse a column whose cells point outside it: Arrow files are memory-mapped and not checked when opened."""
    import pyarrow as pa

    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        # Validated last; the reader of the cells reports it with its row.
        if "UTF8" not in str(error):
            raise UsageError(f"{where}: damaged ({reason_of(error)})", hint="Write or copy it again.") from None


def _column(column: Any, where: str, rows_before: int) -> list[object]:
    import pyarrow.types as kinds

    kind = column.type.value_type if kinds.is_dictionary(column.type) else column.type
    if (
        kinds.is_nested(kind)
        or kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_fixed_size_binary(kind)
    ):
        # Read when a conversation is wanted, since an image or an embedding can be large.
        return [UnreadableCell(str(kind), cell.as_py) for cell in column]
    _refuse_damaged(column, where)
    try:
        values: list[object] = column.to_pylist()
    except UnicodeDecodeError:
        for row, cell in enumerate(column, start=rows_before + 1):
            try:
                cell.as_py()
            except UnicodeDecodeError as error:
                raise UsageError(
                    f"{where}, row {row}: not valid UTF-8: bad byte at offset {error.start} of the cell",
                    hint="Write the file again from text that is UTF-8.",
                ) from None
        raise
    # Which errors a value out of range or an unknown time zone raises depends on the type and on what is installed.
    except Exception:
        if kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind):
            raise
        return [UnreadableCell(str(kind)) for _ in column]
    return values
