"""Parquet: the column of texts is written anew, everything else with the schema, sizes and compression it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from auditor.core.errors import UsageError, reason_of
from auditor.core.text import quoted, quoted_list
from auditor.splicing.edit import Edit, TextEdit, apply_text_edits
from auditor.splicing.file_format import NoTextColumn, SpliceFormat
from auditor.splicing.prose import prose_points

_WRITE_AGAIN = "Write the file again, or give its rows as .jsonl."


@dataclass(frozen=True)
class SpliceableParquet:
    """A Parquet file.

    Attributes:
        raw: Its bytes.
        column: The column of its texts.
        table: All of it, a `pyarrow.Table`.
        cells: The texts, None where a cell has none.
    """

    raw: bytes = field(repr=False)
    column: str
    table: Any = field(repr=False)
    cells: tuple[str | None, ...] = field(repr=False)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The text of each row, empty for a cell without one."""
        return tuple(cell or "" for cell in self.cells)

    def insertion_points(self, index: int) -> tuple[int, ...]:
        """As `SpliceableFile` says."""
        return prose_points(self.cells[index] or "")

    def can_edit(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says."""
        cell = self.cells[index]
        return cell is not None and 0 <= start <= stop <= len(cell)

    def is_prose(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says: there is no markup."""
        return True

    def edits(self, changes: Mapping[int, Sequence[TextEdit]]) -> tuple[Edit, ...]:
        """As `SpliceableFile` says; the one edit is the whole file, as Parquet is compressed."""
        import pyarrow as pa

        cells = list(self.cells)
        for index, edits in changes.items():
            cell = cells[index]
            if cell is None:
                raise UsageError(f"row {index + 1}: its text is null", hint="Leave this document as it is.")
            cells[index] = apply_text_edits(cell, edits)
        at = self.table.schema.get_field_index(self.column)
        kind = self.table.schema.field(at)
        try:
            values = _strings(cells).cast(kind.type)
        except (UnicodeEncodeError, pa.ArrowException) as error:
            raise UsageError(f"the texts cannot be written: {reason_of(error)}", hint=_WRITE_AGAIN) from None
        return (Edit(0, len(self.raw), self._written(self.table.set_column(at, kind, values))),)

    def arrange(self, order: Sequence[int]) -> tuple[Edit, ...]:
        """As `SpliceableFile` says; as of `edits`, the one edit is the whole file."""
        if len(set(order)) != len(order) or not set(order) <= set(range(len(self.cells))):
            raise ValueError("an order names each document once at most, by its number in the file")
        return (Edit(0, len(self.raw), self._written(self.table.take(_numbers(order)))),)

    def _written(self, table: Any) -> bytes:
        """A table in the form of this file; the rows it has fill its row groups in order.

        Raises:
            UsageError: Another column than that of the texts would not come back as it is.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        sink = pa.BufferOutputStream()
        with pq.ParquetFile(pa.BufferReader(self.raw)) as before:
            form, sizes = _form(before.metadata), _sizes(before.metadata)
        try:
            with pq.ParquetWriter(sink, table.schema, **form) as writer:
                start = 0
                for size in sizes:
                    if start < table.num_rows or start == 0:
                        writer.write_table(table.slice(start, size), row_group_size=max(1, size))
                    start += size
        except pa.ArrowException as error:
            raise UsageError(f"it cannot be written again: {reason_of(error)}", hint=_WRITE_AGAIN) from None
        raw: bytes = sink.getvalue().to_pybytes()
        _require_equal(table, _read(raw), self.column)
        return raw


# Arrays are made of buffers, as `pyarrow.array` imports pandas, which takes longer than all the rest.
def _strings(cells: Sequence[str | None]) -> Any:
    import pyarrow as pa

    encoded = [(cell or "").encode("utf-8") for cell in cells]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    present = np.packbits(np.array([cell is not None for cell in cells], dtype=bool), bitorder="little")
    buffers = [pa.py_buffer(present.tobytes()), pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(cells), buffers)


def _numbers(order: Sequence[int]) -> Any:
    import pyarrow as pa

    raw = np.asarray(order, dtype=np.int64).tobytes()
    return pa.Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(raw)])


def _sizes(metadata: Any) -> list[int]:
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]


def _form(metadata: Any) -> dict[str, Any]:
    """How a file is written: the compression and the dictionaries of each column, and the versions of the format."""
    form: dict[str, Any] = {
        "version": _version(metadata.format_version),
        "store_schema": b"ARROW:schema" in (metadata.metadata or {}),
    }
    if not metadata.num_row_groups:
        return form
    group = metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    form["compression"] = {each.path_in_schema: _codec(each.compression.lower()) for each in columns}
    # Older writers named the values of a list after its Arrow field.
    form["use_compliant_nested_type"] = not any(".list.item" in each.path_in_schema for each in columns)
    form["use_dictionary"] = [each.path_in_schema for each in columns if _has_dictionary(each)]
    form["write_statistics"] = [each.path_in_schema for each in columns if each.is_stats_set]
    return form


def _codec(word: str) -> str:
    return {"uncompressed": "none", "lz4_raw": "lz4"}.get(word, word)


def _version(word: str) -> str:
    return word if word in ("1.0", "2.4", "2.6") else "2.6"


def _has_dictionary(column: Any) -> bool:
    return bool(column.has_dictionary_page) or any("DICTIONARY" in each for each in column.encodings)


def _require_equal(meant: Any, written: Any, column: str) -> None:
    same = meant.schema.equals(written.schema, check_metadata=True) and meant.num_rows == written.num_rows
    for name in meant.column_names if same else ():
        if name != column and not _same(meant.column(name), written.column(name)):
            same = False
    if not same:
        raise UsageError("its other columns or their types would not come back as they are", hint=_WRITE_AGAIN)


def _same(meant: Any, written: Any) -> bool:
    """Whether two columns hold the same values; NaN is the same as NaN, and a dictionary is what it stands for."""
    import pyarrow as pa

    if pa.types.is_dictionary(meant.type):
        meant, written = (column.cast(column.type.value_type) for column in (meant, written))
    return bool(meant.equals(written)) or repr(meant.to_pylist()) == repr(written.to_pylist())


def _read(raw: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(raw)) as file:
        return file.read()


def _open(raw: bytes, column: str) -> SpliceableParquet:
    import pyarrow as pa

    try:
        table = _read(raw)
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"not a readable Parquet file ({reason_of(error)})", hint="Write or copy it again.") from None
    names = table.column_names
    if names.count(column) != 1 or len(set(names)) != len(names):
        what = "no column" if column not in names else "several columns of one name beside"
        raise NoTextColumn(
            f"{what} {quoted(column)} among {quoted_list(names)}",
            hint="Name the column of the texts with --text-column.",
        )
    kind = table.schema.field(column).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise UsageError(f"column {quoted(column)} holds {kind}, not text", hint="Choose a column of texts.")
    return SpliceableParquet(raw, column, table, tuple(table.column(column).to_pylist()))


PARQUET = SpliceFormat("parquet", (".parquet",), False, _open, content="binary")
