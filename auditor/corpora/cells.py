"""Text, group and metadata of a row, from its cells."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Iterable, Mapping
from functools import partial

from auditor.core.errors import UsageError
from auditor.core.text import quoted, quoted_list, suggest
from auditor.corpora.chat.shapes import Conversation, columns_read, pair_hint, read_conversation
from auditor.corpora.document import TEXT
from auditor.corpora.reader import RawRow, UnreadableCell
from auditor.corpora.streams import MAX_DOCUMENT_BYTES

_SINGLE = (str, bool, int, float, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta)


def row_conversation(row: RawRow, column: str) -> Conversation | None:
    """The conversation of a row; None where the text column of the settings names text.

    Raises:
        UsageError: It cannot be rendered as text, is too long, or holds a lone surrogate.
    """
    columns = columns_read(row, column)
    if not columns:
        return None
    conversation = read_conversation(row, columns)
    size = 0
    for number, turn in enumerate(conversation.turns, start=1):
        size += len(_checked(turn.content, row.where, f"message {number}", limit=MAX_DOCUMENT_BYTES))
    if size > MAX_DOCUMENT_BYTES:
        raise _too_long(row.where, MAX_DOCUMENT_BYTES)
    return conversation


def row_text(row: RawRow, column: str) -> str:
    """The text of a row; empty for a null cell.

    Raises:
        UsageError: The column does not exist, or its cell is not text, too long, or holds a lone surrogate.
    """
    if isinstance(row.content, str):
        return _checked(row.content, row.where, "the text", limit=MAX_DOCUMENT_BYTES)
    conversation = columns_read(row, TEXT)
    if column not in row.content and conversation:
        raise UsageError(
            f"{row.where}: no column {quoted(column)}",
            hint=f"The rows hold a conversation in {' and '.join(map(quoted, conversation))}, which is read where "
            "--text-column is left out.",
        )
    if column not in row.content and pair_hint(row.content):
        raise UsageError(f"{row.where}: no column {quoted(column)}", hint=pair_hint(row.content))
    cell = _cell(row.content, column, row.where, option="--text-column")
    if cell is None:
        return ""
    if not isinstance(cell, str):
        raise UsageError(
            f"{row.where}: column {column!r} holds {_kind(cell)}, not text",
            hint=f"Choose a text column with --text-column. The columns are: {_listed(row.content)}.",
        )
    return _checked(cell, row.where, f"column {column!r}", limit=MAX_DOCUMENT_BYTES)


def row_group(row: RawRow, column: str) -> str:
    """The group a row belongs to, as a string.

    Raises:
        UsageError: The column does not exist, or the cell is missing, blank, or not a single value.
    """
    if isinstance(row.content, str):
        raise UsageError(
            f"{row.where}: no column {column!r}: this format has no columns",
            hint="For a folder of files use --group-by parent; in JSON write objects that hold the group.",
        )
    cell = _cell(row.content, column, row.where, option="--group-column")
    text = _single(cell)
    if text is None and cell is not None and not isinstance(cell, float):
        raise UsageError(f"{row.where}: column {column!r} holds {_kind(cell)}, not a group", hint="Use a single value.")
    if text is None or not text.strip():
        raise UsageError(
            f"{row.where}: no group in column {column!r}",
            hint="Give every row its group (the book, author or site it came from), or leave --group-column out.",
        )
    return _checked(text, row.where, f"column {column!r}")


def row_metadata(row: RawRow, *, without: Iterable[str | None]) -> dict[str, str]:
    """The other cells that hold a single value, as strings.

    Raises:
        UsageError: A cell or a column name holds a lone surrogate.
    """
    if isinstance(row.content, str):
        return {}
    excluded = set(without)
    single = {name: _single(cell) for name, cell in row.content.items() if name not in excluded}
    return {
        _checked(name, row.where, "a column name"): _checked(text, row.where, f"column {quoted(name)}")
        for name, text in single.items()
        if text is not None
    }


def _cell(cells: Mapping[str, object], column: str, where: str, *, option: str) -> object:
    if column in cells:
        return cells[column]
    columns = f"The columns are: {_listed(cells)}."
    raise UsageError(
        f"{where}: no column {column!r}",
        hint=f"{suggest(column, cells, show=quoted)} {columns} Choose one with {option}.".strip()
        if cells
        else "The row is empty.",
    )


def _listed(cells: Mapping[str, object]) -> str:
    return quoted_list(cells)


def _kind(cell: object) -> str:
    return f"{cell.kind} values" if isinstance(cell, UnreadableCell) else f"a value of type {type(cell).__name__}"


def _single(cell: object) -> str | None:
    if isinstance(cell, float) and math.isnan(cell):
        return None
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell) if isinstance(cell, _SINGLE) else None


def _checked(text: str, where: str, what: str, *, limit: int | None = None) -> str:
    """The text, if it can be written as UTF-8 of at most `limit` bytes."""
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise UsageError(
            f"{where}: {what} holds the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}, "
            "which is half a character and not valid Unicode",
            hint="The text was cut or escaped wrongly when the file was written: write it again from the original.",
        ) from None
    if limit is not None and size > limit:
        raise _too_long(where, limit)
    return text


def _too_long(where: str, limit: int) -> UsageError:
    return UsageError(
        f"{where}: a document longer than {limit // 2**20} MiB", hint="Split it into the documents it is made of."
    )


def _itself(value: object) -> object:
    return value


def json_content(value: object, where: str) -> str | Mapping[str, object]:
    """A parsed JSON value as the content of a row: a string is the text, an object holds the cells.

    Raises:
        UsageError: The value is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {
            str(key): UnreadableCell("array" if isinstance(cell, list) else "object", partial(_itself, cell))
            if isinstance(cell, list | dict)
            else cell
            for key, cell in value.items()
        }
    raise UsageError(
        f"{where}: expected an object or a string, found {type(value).__name__}",
        hint='Write each document as {"text": "..."} or as a string.',
    )
