"""What a JSON value may be to be a row."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.core.errors import UsageError
from auditor.corpora.reader import UnreadableSource


def json_content(value: object, where: str) -> str | Mapping[str, object]:
    """A parsed JSON value as the content of a row: a string is the text, an object holds the cells.

    Raises:
        UsageError: The value is neither.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {
            str(key): UnreadableSource("array" if isinstance(cell, list) else "object")
            if isinstance(cell, list | dict)
            else cell
            for key, cell in value.items()
        }
    raise UsageError(
        f"{where}: expected an object or a string, found {type(value).__name__}",
        hint='Write each document as {"text": "..."} or as a string.',
    )
