"""Tables as text: only the one cell of a changed text is touched, and quoted where it has to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from auditor.core.errors import UsageError
from auditor.core.text import amount, quoted, quoted_list
from auditor.splicing.coded import CodedText, line_of
from auditor.splicing.edit import TextEdit, apply_text_edits
from auditor.splicing.file_format import NoTextColumn, SpliceFormat
from auditor.splicing.rows import Row, SpliceableRows, token_edits

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LINE_END = re.compile(r"\r\n|\r|\n")
_NAMED = re.compile(r"sep=([,;|\t])[ \t]*(?:\r\n|\r|\n)")
_QUOTED = re.compile(r'"[^"]*+(?:""[^"]*+)*+"')
_BLANK = re.compile(r"[^\S\r\n]*(?:\r\n|\r|\n)")

_Cell = tuple[int, int]
_Record = tuple[list[_Cell], int]


def _open(raw: bytes, column: str, *, delimiters: Sequence[str]) -> SpliceableRows:
    content = CodedText.decode(raw)
    start, named = _beginning(content.text)
    delimiter = named or _delimiter(content.text, start, column, delimiters)
    records = _records(content.text, start, delimiter)
    header = next(records, None)
    if header is None:
        return SpliceableRows(content, (), partial(_changed, delimiter))
    names = [_value(content.text, cell) for cell in header[0]]
    if names.count(column) != 1:
        what = "no column" if column not in names else "several columns"
        raise NoTextColumn(
            f"{line_of(content.text, start)}: {what} {quoted(column)} among {quoted_list(names)}",
            hint="Name the column of the texts with --text-column, as the first line of the table names it.",
        )
    rows = tuple(_rows(content.text, records, names.index(column), len(names)))
    return SpliceableRows(content, rows, partial(_changed, delimiter))


def _beginning(text: str) -> tuple[int, str]:
    """Where the header begins, and the separator that a line before it names."""
    position, named = 0, ""
    while True:
        match = _NAMED.match(text, position)
        named = match.group(1) if match else named
        match = match or _BLANK.match(text, position)
        if match is None:
            return position, named
        position = match.end()


def _delimiter(text: str, start: int, column: str, delimiters: Sequence[str]) -> str:
    """The first separator under which the header has the column of the texts, else the one that makes most cells."""
    headers = {}
    for delimiter in delimiters:
        try:
            header = next(_records(text, start, delimiter), ([], start))
        except UsageError:
            if len(delimiters) == 1:
                raise
            continue
        headers[delimiter] = [_value(text, cell) for cell in header[0]]
    named = (delimiter for delimiter, header in headers.items() if column in header)
    most = max(headers, key=lambda delimiter: len(headers[delimiter]), default=delimiters[0])
    return next(named, most)


def _records(text: str, position: int, delimiter: str) -> Iterator[_Record]:
    """The records of a table: the range of each cell, quotes included, and the position after the line end.

    Raises:
        UsageError: A cell could be written otherwise than it is, so that readers may differ about it.
    """
    plain = re.compile(rf'[^{re.escape(delimiter)}\r\n"]*')
    while position < len(text):
        cells: list[_Cell] = []
        while True:
            match = (_QUOTED if text.startswith('"', position) else plain).match(text, position)
            if match is None:
                raise _odd(text, position, "a quote that is never closed")
            cells.append(match.span())
            position = match.end()
            if not text.startswith(delimiter, position):
                break
            position += 1
        line_end = _LINE_END.match(text, position)
        if line_end is None and position < len(text):
            raise _odd(text, position, "a quote inside a cell that is not doubled and quoted as a whole")
        position = line_end.end() if line_end else position
        yield cells, position


def _odd(text: str, position: int, what: str) -> UsageError:
    # A carriage return alone ends a line too.
    line = len(_LINE_END.findall(text, 0, position)) + 1
    return UsageError(
        f"line {line}: {what}",
        hint='Write the table again with such cells in "double quotes" and quotes inside doubled, or as .jsonl.',
    )


def _value(text: str, cell: _Cell) -> str:
    token = text[cell[0] : cell[1]]
    return token[1:-1].replace('""', '"') if token.startswith('"') else token


def _rows(text: str, records: Iterator[_Record], column: int, width: int) -> Iterator[Row]:
    for cells, end in records:
        start, stop = cells[0][0], cells[-1][1]
        if start == stop:
            continue
        if len(cells) != width:
            line = len(_LINE_END.findall(text, 0, start)) + 1
            raise UsageError(
                f"line {line}: {amount(len(cells), 'field')} where the header has {width}",
                hint="Put fields that contain separators or line ends in double quotes.",
            )
        yield Row(start, stop, end, *cells[column], _value(text, cells[column]))


def _changed(delimiter: str, content: CodedText, row: Row, edits: Sequence[TextEdit]) -> tuple[TextEdit, ...]:
    token = content.text[row.text_start : row.text_stop]
    if not token.startswith('"'):
        new = apply_text_edits(row.text, edits)
        if new.strip() and not re.search(rf'[{re.escape(delimiter)}\r\n"]', new):
            return token_edits(edits, range(row.text_start, row.text_stop + 1), str)
        return (TextEdit(row.text_start, row.text_stop, f'"{_doubled(new)}"'),)
    inside = re.finditer(r'""|[^"]', token[1:-1])
    offsets = [row.text_start + 1 + match.start() for match in inside]
    return token_edits(edits, [*offsets, row.text_stop - 1], _doubled)


def _doubled(new: str) -> str:
    return new.replace('"', '""')


CSV = SpliceFormat("csv", (".csv",), False, partial(_open, delimiters=tuple(_DELIMITERS)))
TSV = SpliceFormat("tsv", (".tsv",), False, partial(_open, delimiters=("\t",)))
