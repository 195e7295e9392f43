"""The rows of a file in its own order, with all their columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auditor.core.errors import UsageError
from auditor.corpora.read import reader_of
from auditor.corpora.reader import RawRow, ReadOptions, UnreadableCell
from auditor.corpora.streams import DataFile, read_lines

Row = str | Mapping[str, Any]

_LINES = (".txt", ".text", ".lst")


def read_rows(source: str, field: str | None) -> tuple[Row, ...]:
    """Read the rows of one file; of a text file its lines.

    Args:
        source: The file.
        field: The column of the text; None for the usual one.

    Raises:
        UsageError: It is no file of rows, or cannot be read.
    """
    path = Path(source)
    if not path.is_file():
        raise UsageError(f"{source} is no file", hint="An order is that of the rows of one file, such as a .jsonl.")
    if path.suffix.lower() in _LINES:
        lines = (line.rstrip("\r\n") for _, line in read_lines(DataFile.at(path, where=source)))
        return tuple(line for line in lines if line.strip())
    reader = reader_of(source)
    if reader.file is None:
        raise UsageError(f"{source} holds no rows in an order", hint="Give a .jsonl, .csv, .parquet or .txt file.")
    options = ReadOptions() if field is None else ReadOptions(field)
    return tuple(_row(row) for row in reader.read(source, options) if isinstance(row, RawRow))


def rows_sha256(rows: Sequence[Row], field: str | None) -> str:
    """Digest of rows with all their columns, in their order."""
    digest = hashlib.sha256(json.dumps(field).encode())
    for row in rows:
        digest.update(json.dumps(row, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _row(row: RawRow) -> Row:
    if isinstance(row.content, str):
        return row.content
    return {name: cell.load() if isinstance(cell, UnreadableCell) else cell for name, cell in row.content.items()}
