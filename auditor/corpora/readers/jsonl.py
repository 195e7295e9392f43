"""JSON Lines: one object or one string a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from auditor.core.errors import UsageError
from auditor.corpora.cells import json_content
from auditor.corpora.reader import RawRow, ReadOptions, file_reader
from auditor.corpora.streams import DataFile, read_lines


def _read(file: DataFile, options: ReadOptions) -> Iterator[RawRow]:
    for number, line in read_lines(file):
        if not line.strip():
            continue
        where = f"{file.where}:{number}"
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{where}: malformed JSON: {error.msg} (column {error.colno})",
                hint="Each line of a .jsonl file is one whole JSON object.",
            ) from None
        except (RecursionError, ValueError) as error:
            raise UsageError(
                f"{where}: JSON that cannot be read: {error}", hint="Simplify or remove the line."
            ) from None
        # The row is the line number, so that an id leads to its line even after blank lines.
        yield RawRow(f"{file.name}:{number}", where, json_content(value, where))


READER = file_reader("jsonl", ".jsonl or .ndjson (also .gz)", (".jsonl", ".ndjson"), _read)
