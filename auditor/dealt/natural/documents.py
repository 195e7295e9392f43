"""The documents in which identifiers are looked for: rows of tables, and every other file that is text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.core.files import read_bytes
from auditor.corpora.read import all_readers, read_corpus
from auditor.corpora.streams import DataFile
from auditor.splicing.tree import read_tree

NamedText = tuple[str, str]


def read_documents(source: str, field: str | None) -> tuple[NamedText, ...]:
    """Id and text of each document of a file, a folder or another source of documents.

    Args:
        source: A path, or whatever else documents are read from.
        field: The column of the text in tables.

    Raises:
        UsageError: There is no text in it, or it cannot be read.
    """
    column, path = field or "text", Path(source)
    if not path.exists():
        return tuple((document.id, document.text) for document in read_corpus(source, text_column=column).documents)
    tree = read_tree(path)
    found = [
        document
        for name in tree.files
        if not any(part.startswith(".") for part in Path(name).parts)
        for document in _of_file(tree.root / name, name, column)
    ]
    if not found:
        raise UsageError(f"{source}: no text in it", hint="Give files of text, or tables with a column of text.")
    return tuple(found)


def documents_sha256(documents: Sequence[NamedText]) -> str:
    """Digest of documents with their ids, in their order."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps(document).encode() + b"\n")
    return digest.hexdigest()


def _of_file(path: Path, name: str, column: str) -> Iterator[NamedText]:
    """Rows of a table that has the column; otherwise the whole file, if it is text."""
    file = DataFile.at(path, where=str(path))
    if any(reader.file is not None and reader.file.reads(file) for reader in all_readers()):
        try:
            documents = read_corpus(str(path), text_column=column).documents
        except UsageError:
            documents = ()
        if documents:
            yield from ((f"{name}:{document.id.rpartition(':')[2]}", document.text) for document in documents)
            return
    raw = read_bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return
    if "\0" not in text and text.strip():
        yield name, text
