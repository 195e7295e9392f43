"""A .json file: one array of objects or strings."""

from __future__ import annotations

import json
from collections.abc import Iterator

from auditor.core.errors import UsageError
from auditor.corpora.cells import json_content
from auditor.corpora.reader import RawRow, ReadOptions, file_reader
from auditor.corpora.streams import MAX_WHOLE_FILE_BYTES, DataFile, decode, read_whole

_SPACE = " \t\n\r"


def _read(file: DataFile, options: ReadOptions) -> Iterator[RawRow]:
    source = file.where
    text = decode(read_whole(file, MAX_WHOLE_FILE_BYTES), source)
    # Item by item rather than at once, so that messages give the line of an item.
    position, line = 0, 1

    def skip() -> None:
        nonlocal position, line
        while position < len(text) and text[position] in _SPACE:
            line += text[position] == "\n"
            position += 1

    def expect(characters: str) -> str:
        nonlocal position
        skip()
        if position >= len(text) or text[position] not in characters:
            actual = repr(text[position]) if position < len(text) else "the end of the file"
            wanted = " or ".join(repr(character) for character in characters)
            raise UsageError(
                f"{source}:{line}: malformed JSON: expected {wanted}, found {actual}",
                hint="A .json file holds one array of objects or strings; one object a line is .jsonl.",
            )
        position += 1
        return text[position - 1]

    decoder = json.JSONDecoder()
    expect("[")
    skip()
    row = 0
    more = not text.startswith("]", position)
    if not more:
        expect("]")
    while more:
        skip()
        row += 1
        try:
            value, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise UsageError(
                f"{source}:{error.lineno}: malformed JSON: {error.msg} (column {error.colno})",
                hint="Check the file with `python -m json.tool`.",
            ) from None
        except (RecursionError, ValueError) as error:
            raise UsageError(f"{source}:{line}: JSON that cannot be read: {error}", hint="Remove the item.") from None
        where = f"{source}:{line} (item {row})"
        yield RawRow(f"{file.name}:{row}", where, json_content(value, where))
        line += text.count("\n", position, end)
        position = end
        more = expect(",]") == ","
    skip()
    if position < len(text):
        raise UsageError(f"{source}:{line}: malformed JSON: text after the end of the array", hint="Remove it.")


READER = file_reader("json", ".json holding an array (also .json.gz)", (".json",), _read, often_other=True)
