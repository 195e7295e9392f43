"""A folder of text files, a file a document, or of tables of one format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditor.corpora.file_set import FileSet, read_files
from auditor.corpora.reader import RawRow, Reader, ReadOptions, Skipped, split_of
from auditor.corpora.streams import DataFile
from auditor.corpora.walk import walk


def _read(source: str, options: ReadOptions) -> Iterator[RawRow | Skipped]:
    root, split = split_of(source, Path.is_dir)
    given = source if split is None else source.removesuffix(f":{split}")
    names = walk(root, given)
    files = (DataFile.at(root / name, name=name, where=f"{given.rstrip('/')}/{name}") for name in names.files)
    hidden = sorted([*names.hidden_files, *names.hidden_folders])
    yield from read_files(FileSet(given, "a folder", tuple(files), tuple(hidden)), options, split)


# After every reader that recognises a folder by a marker file inside it.
READER = Reader(
    name="folder",
    formats="a folder of .txt or .md files (also .gz; --suffix names others) or of tables of one format, FOLDER or "
    "FOLDER:SPLIT",
    accepts=lambda source: split_of(source, Path.is_dir)[0].is_dir(),
    read=_read,
    order=100,
)
