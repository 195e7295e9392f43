"""Whether a table holds documents, by its first row."""

from __future__ import annotations

from auditor.core.contents import StandIn
from auditor.core.errors import UsageError
from auditor.corpora.chat.shapes import columns_read
from auditor.corpora.reader import FileFormat, ReadOptions
from auditor.corpora.streams import DataFile, what_stands_in


def holds_documents(file: DataFile, kind: FileFormat, options: ReadOptions) -> bool:
    """Whether the first row of a table has a text or a conversation; true too where something stands in its place.

    A list of labels or of sources beside texts has no text column and is no table of documents.
    """
    if _stands_in(file) is not None:
        return True
    try:
        row = next(iter(kind.read(file, options)), None)
    except UsageError:
        return False
    if row is None:
        return False
    return (
        isinstance(row.content, str)
        or options.text_column in row.content
        or bool(columns_read(row, options.text_column))
    )


def _stands_in(file: DataFile) -> StandIn | None:
    try:
        return what_stands_in(file, "structured")
    except UsageError:
        return None
