"""A folder of text files, a file a document, or of tables of one format."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.corpora.file_set import FileSet, read_files
from auditor.corpora.reader import RawRow, Reader, ReadOptions, Skipped, split_of
from auditor.corpora.streams import DataFile


def _stop(error: OSError) -> None:
    raise error


def _walk(root: Path) -> tuple[list[str], list[str]]:
    """Relative names of all visible and of all hidden files below the folder, sorted by code point.

    Hidden folders are one name each and are not entered, and each real folder is entered once.
    """
    entered = {_identity(root)}
    names: list[str] = []
    hidden: list[str] = []
    # Links are followed, as a corpus is often a folder of links; each folder is entered once, which ends link loops.
    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=_stop):
        parent = Path(folder)
        to_enter = []
        # Sorted, so that the path by which a folder is entered does not depend on the file system.
        for name in sorted(subfolders, key=lambda name: ((parent / name).is_symlink(), name)):
            identity = _identity(parent / name)
            if name.startswith("."):
                hidden.append((parent / name).relative_to(root).as_posix())
            elif identity not in entered:
                entered.add(identity)
                to_enter.append(name)
        subfolders[:] = to_enter
        for name in files:
            below = (parent / name).relative_to(root).as_posix()
            (hidden if name.startswith(".") else names).append(below)
    return sorted(names), sorted(hidden)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _read(source: str, options: ReadOptions) -> Iterator[RawRow | Skipped]:
    root, split = split_of(source, Path.is_dir)
    given = source if split is None else source.removesuffix(f":{split}")
    names, hidden = _walk(root)
    for name in names:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(
                f"{given}: the file name {os.fsencode(name)!r} is not UTF-8", hint="Rename the file."
            ) from None
    files = (DataFile.at(root / name, name=name, where=f"{given.rstrip('/')}/{name}") for name in names)
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
