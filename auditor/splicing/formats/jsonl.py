"""JSON Lines: only the one string of a changed text is touched, in the style in which it is escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial

from auditor.core.errors import UsageError
from auditor.core.text import quoted
from auditor.splicing.coded import CodedText
from auditor.splicing.edit import TextEdit
from auditor.splicing.file_format import NoTextColumn, SpliceFormat
from auditor.splicing.rows import Row, SpliceableRows, token_edits

_SPACE = re.compile(r"[ \t\r\n]*")
_CHARACTER = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL
)
_ESCAPED = re.compile(r"\\u(?!00[01])[0-9a-fA-F]{4}")
# Numbers stay as they are written: one that no float holds, or of ten thousand digits, is none of our business.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def _open(raw: bytes, column: str) -> SpliceableRows:
    content = CodedText.decode(raw)
    rows = tuple(_rows(content.text, column))
    return SpliceableRows(content, rows, partial(_changed, "\\/" in content.text))


def _rows(text: str, column: str) -> Iterator[Row]:
    position, number, is_first = 0, 0, True
    while position < len(text):
        number += 1
        line_feed = text.find("\n", position)
        end = len(text) if line_feed < 0 else line_feed + 1
        stop = end if line_feed < 0 else line_feed
        if stop > position and text[stop - 1] == "\r":
            stop -= 1
        if text[position:stop].strip():
            try:
                yield _row(text, position, stop, end, column, number)
            except NoTextColumn as error:
                # A table of something else lacks the column from its first row on.
                raise error if is_first else UsageError(error.message, hint=error.hint) from None
            is_first = False
        position = end


def _row(text: str, start: int, stop: int, end: int, column: str, number: int) -> Row:
    line = text[start:stop]
    try:
        first = _space(line, 0)
        # A text alone is a document too.
        found, last = ((first, None), _value(line, first)[1]) if line[first] == '"' else _object(line, first, column)
        if _space(line, last) != len(line):
            raise json.JSONDecodeError("more than one value", line, _space(line, last))
    except json.JSONDecodeError as error:
        lone = " (the file has carriage returns alone as line ends)" if "\n" not in text and "\r" in line else ""
        raise UsageError(
            f"line {number}: malformed JSON: {error.msg} (column {error.colno}){lone}",
            hint="Each line of a .jsonl file is one whole JSON object.",
        ) from None
    except (RecursionError, ValueError) as error:
        raise UsageError(f"line {number}: JSON that cannot be read: {error}", hint="Simplify the line.") from None
    if found is None:
        raise NoTextColumn(f"line {number}: no column {quoted(column)}", hint="Name it with --text-column.")
    return _text_row(line, start, stop, end, found[0], number, column)


def _text_row(line: str, start: int, stop: int, end: int, at: int, number: int, column: str) -> Row:
    value, after = _value(line, at)
    if value is None:
        return Row(start, stop, end, start + at, start + after, "", "its text is null")
    if not isinstance(value, str) or line[at] != '"':
        raise UsageError(
            f"line {number}: column {quoted(column)} holds {_kind(line[at])}, not text",
            hint="Choose a column of texts with --text-column.",
        )
    lone = re.search(r"[\ud800-\udfff]", value)
    if lone:
        raise UsageError(
            f"line {number}: the text holds the lone surrogate U+{ord(lone.group()):04X} at character {lone.start()}",
            hint="It was cut or escaped wrongly when the file was written: write it again from the original.",
        )
    return Row(start, stop, end, start + at, start + after, value)


def _kind(sign: str) -> str:
    return {"{": "an object", "[": "a list", "t": "true", "f": "false"}.get(sign, "a number")


def _space(line: str, position: int) -> int:
    match = _SPACE.match(line, position)
    return match.end() if match else position


def _value(line: str, position: int) -> tuple[object, int]:
    value: tuple[object, int] = _DECODER.raw_decode(line, position)
    return value


def _object(line: str, position: int, column: str) -> tuple[tuple[int, None] | None, int]:
    """Where the value of a column begins, and where the object ends; of two that bear the name it is the last."""
    found: tuple[int, None] | None = None
    if line[position] != "{":
        raise json.JSONDecodeError("neither an object nor a string", line, position)
    position = _space(line, position + 1)
    if line[position : position + 1] == "}":
        return None, position + 1
    while True:
        if line[position : position + 1] != '"':
            raise json.JSONDecodeError("Expecting property name enclosed in double quotes", line, position)
        key, position = _value(line, position)
        position = _space(line, position)
        if line[position : position + 1] != ":":
            raise json.JSONDecodeError("Expecting ':' delimiter", line, position)
        position = _space(line, position + 1)
        found = (position, None) if key == column else found
        position = _space(line, _value(line, position)[1])
        if line[position : position + 1] == "}":
            return found, position + 1
        if line[position : position + 1] != ",":
            raise json.JSONDecodeError("Expecting ',' delimiter", line, position)
        position = _space(line, position + 1)


def _changed(slashes: bool, content: CodedText, row: Row, edits: Sequence[TextEdit]) -> tuple[TextEdit, ...]:
    inside = content.text[row.text_start + 1 : row.text_stop - 1]
    offsets = [row.text_start + 1 + match.start() for match in _CHARACTER.finditer(inside)]
    offsets.append(row.text_stop - 1)
    ascii_only = _escapes(inside, content.text)
    escapes_slashes = "\\/" in inside or (slashes and "/" not in inside)

    def encode(new: str) -> str:
        spelled = json.dumps(new, ensure_ascii=ascii_only)[1:-1]
        return spelled.replace("/", "\\/") if escapes_slashes else spelled

    return token_edits(edits, offsets, encode)


def _escapes(token: str, file: str) -> bool:
    """Whether characters outside ASCII are escaped: as in the token itself, else as in the file."""
    if not token.isascii():
        return False
    return _ESCAPED.search(token) is not None or file.isascii()


JSONL = SpliceFormat("jsonl", (".jsonl", ".ndjson"), False, _open)
