"""Whether a table holds documents, by its first row."""

from __future__ import annotations

import json

from auditor.core.contents import StandIn
from auditor.core.errors import UsageError
from auditor.corpora.chat.shapes import columns_read
from auditor.corpora.reader import FileFormat, ReadOptions
from auditor.corpora.streams import MAX_WHOLE_FILE_BYTES, DataFile, decode, read_whole, what_stands_in


def holds_documents(file: DataFile, kind: FileFormat, options: ReadOptions) -> bool:
    """Whether the first row of a table has a text or a conversation; true too where something stands in its place.

    A list of labels or of sources beside texts has no text column and is no table of documents.

    Raises:
        UsageError: Its first row cannot be read, so that it is not clear what it holds.
    """
    if _stands_in(file) is not None:
        return True
    try:
        row = next(iter(kind.read(file, options)), None)
    except UsageError as error:
        if kind.often_other and _is_other_json(file):
            return False
        raise UsageError(
            error.message,
            hint=f"{error.hint} If it is not meant, name the files that are by a pattern in quotes.",
        ) from None
    if row is None:
        return False
    return (
        isinstance(row.content, str)
        or options.text_column in row.content
        or bool(columns_read(row, options.text_column))
    )


def _is_other_json(file: DataFile) -> bool:
    """Whether a file is sound JSON, or empty, without a list of rows: a configuration, a list of numbers."""
    text = decode(read_whole(file, MAX_WHOLE_FILE_BYTES), file.where)
    try:
        value = json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        return False
    return not (isinstance(value, list) and value and isinstance(value[0], dict | str))


def _stands_in(file: DataFile) -> StandIn | None:
    try:
        return what_stands_in(file, "structured")
    except UsageError:
        return None
