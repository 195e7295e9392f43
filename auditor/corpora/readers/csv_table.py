"""Comma-separated values with a header line."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor.core.errors import UsageError
from auditor.corpora.reader import RawRow, Reader
from auditor.corpora.streams import MAX_DOCUMENT_BYTES, has_suffix, read_lines


def _next(rows: Any, source: str) -> list[str] | None:
    """The next record, or None at the end; errors name the line the record starts on."""
    start = rows.line_num + 1
    # The limit belongs to the csv module, not to one reader of it, so it is restored at once.
    before = csv.field_size_limit(MAX_DOCUMENT_BYTES)
    try:
        record: list[str] = next(rows)
    except StopIteration:
        return None
    except csv.Error as error:
        if "field limit" in str(error):
            message = f"a field longer than {MAX_DOCUMENT_BYTES // 2**20} MiB; an opening quote may lack its end"
        else:
            message = f"malformed CSV: {error}"
        raise UsageError(
            f"{source}:{start}: {message}",
            hint='Put fields with commas, quotes or line ends in "double quotes", and double a quote inside.',
        ) from None
    finally:
        csv.field_size_limit(before)
    return record


def _read(source: str) -> Iterator[RawRow]:
    path = Path(source)
    rows = csv.reader((line for _, line in read_lines(path, source)), strict=True)
    header = _next(rows, source)
    if header is None:
        return
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if twice:
        raise UsageError(f"{source}:1: the header names {twice[0]!r} twice", hint="Rename one of the columns.")
    number = 0
    while True:
        line = rows.line_num + 1
        record = _next(rows, source)
        if record is None:
            return
        if not record:
            continue
        number += 1
        if len(record) != len(header):
            raise UsageError(
                f"{source}:{line}: {len(record)} fields where the header has {len(header)}",
                hint="Put fields that contain commas or line ends in double quotes.",
            )
        # Columns without a name (a saved row index, trailing commas) cannot be chosen.
        cells = {name: cell for name, cell in zip(header, record, strict=True) if name}
        yield RawRow(f"{path.name}:{number}", f"{source}:{line} (row {number})", cells)


READER = Reader(
    name="csv",
    formats=".csv with a header line (also .csv.gz)",
    accepts=lambda source: has_suffix(source, ".csv"),
    read=_read,
)
