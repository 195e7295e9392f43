"""Comma-separated values with a header line, and values separated by tabs, semicolons or bars."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from auditor.core.errors import UsageError
from auditor.core.text import amount, quoted
from auditor.corpora.chat.shapes import LISTS, PAIRS, pair_names
from auditor.corpora.document import TEXT
from auditor.corpora.reader import RawRow, ReadOptions, file_reader
from auditor.corpora.streams import MAX_DOCUMENT_BYTES, DataFile, read_lines

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
# The line by which spreadsheets name the separator of a file, before its header.
_NAMED = re.compile(r"sep=([,;|\t])\s*")
_LONGEST_NAME = 64
_MOST_WORDS = 5
_VALUE = re.compile(r"[-+]?\d+([.,]\d+)?(e[-+]?\d+)?|\d{4}-\d\d-\d\d.*|(true|false)", re.IGNORECASE)


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
            hint='Put fields with separators, quotes or line ends in "double quotes", and double a quote inside.',
        ) from None
    finally:
        csv.field_size_limit(before)
    return record


def _fields(line: str, delimiter: str) -> list[str]:
    """The fields of a first line; none where it does not end a record under this delimiter."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _delimiter(file: DataFile, line: str, options: ReadOptions) -> str:
    """What separates the fields: the first under which the header has the text column, else what makes most fields."""
    if file.has_suffix(".tsv"):
        return "\t"
    headers = {delimiter: _fields(line, delimiter) for delimiter in _DELIMITERS}
    pair = pair_names(options.text_column)
    named = (
        delimiter
        for delimiter, header in headers.items()
        if options.text_column in header or (pair and set(pair) <= set(header))
    )
    return next(named, max(headers, key=lambda delimiter: len(headers[delimiter])))


def _start(lines: Iterator[str]) -> tuple[list[str], str]:
    """The lines up to the header, and the separator that one of them names, empty where none does.

    Those before the header become empty lines, which leaves the numbers of lines as they are.
    """
    before, named = list[str](), ""
    for line in lines:
        match = _NAMED.fullmatch(line)
        named = match.group(1) if match else named
        if line.strip() and not match:
            return [*before, line], named
        before.append("\n")
    return [*before, ""], named


def _is_value(cell: str) -> bool:
    """Whether a cell of a first line is rather a value than the name of a column."""
    return (
        len(cell) > _LONGEST_NAME
        or len(cell.split()) > _MOST_WORDS
        or "\n" in cell.strip()
        or _VALUE.fullmatch(cell.strip()) is not None
    )


def _names_texts(header: list[str], column: str) -> bool:
    """Whether a first line has the name of the text column, of a pair or of a list of messages."""
    names = set(header)
    known = [{column}, set(pair_names(column) or {column})]
    if column == TEXT:
        known += [{name} for name in LISTS] + [{pair.prompt, pair.answer} for pair in PAIRS]
    return any(columns <= names for columns in known)


def _check_header(header: list[str], delimiter: str, source: str, options: ReadOptions) -> None:
    if not _names_texts(header, options.text_column) and any(map(_is_value, header)):
        raise UsageError(
            f"{source}:1: the first line is a row of data and not the names of columns ({amount(len(header), 'field')} "
            f"separated by {_DELIMITERS[delimiter]})",
            hint=f"Write the names of the columns into a first line, {quoted(options.text_column)} for the texts.",
        )
    twice = [name for name, count in Counter(header).items() if count > 1 and name]
    if twice:
        raise UsageError(f"{source}:1: the header names {quoted(twice[0])} twice", hint="Rename one of the columns.")
    column = options.text_column
    if len(header) == 1 and column in re.split(r"\W+|_", header[0]) and column != header[0]:
        raise UsageError(
            f"{source}:1: the header is one column, {quoted(header[0])}: no comma, semicolon, tab or bar separates it",
            hint="Write the table again with commas between its fields.",
        )


def _read(file: DataFile, options: ReadOptions) -> Iterator[RawRow]:
    source = file.where
    lines = (line for _, line in read_lines(file))
    start, named = _start(lines)
    delimiter = named or _delimiter(file, start[-1], options)
    rows = csv.reader(itertools.chain(start, lines), delimiter=delimiter, strict=True)
    header: list[str] | None = []
    while header == []:
        header = _next(rows, source)
    if header is None:
        return
    _check_header(header, delimiter, source, options)
    number = 0
    while True:
        line = rows.line_num + 1
        record = _next(rows, source)
        if record is None:
            return
        if not record:
            continue
        number += 1
        if file.has_suffix(".tsv") and any("\n" in cell or "\r" in cell for cell in record):
            raise UsageError(
                f"{source}:{line}: a field that begins with a quote runs over several lines, which may be one text or "
                "rows with quotes of their own",
                hint="Write the table as .csv with such fields in double quotes, or as .jsonl.",
            )
        if len(record) != len(header):
            raise UsageError(
                f"{source}:{line}: {len(record)} fields where the header has {len(header)}",
                hint=f"Put fields that contain {_DELIMITERS[delimiter]} or line ends in double quotes.",
            )
        # Columns without a name (a saved row index, trailing commas) cannot be chosen.
        cells = {name: cell for name, cell in zip(header, record, strict=True) if name}
        yield RawRow(f"{file.name}:{number}", f"{source}:{line} (row {number})", cells)


READER = file_reader(
    "csv",
    ".csv or .tsv with a header line, separated by commas, semicolons, tabs or bars (also .gz)",
    (".csv", ".tsv"),
    _read,
)
