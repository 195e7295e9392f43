"""A pattern of file names, such as `data/*.jsonl`: every file it matches."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path, PurePath

from auditor.core.errors import UsageError
from auditor.corpora.file_set import FileSet, read_files
from auditor.corpora.reader import RawRow, Reader, ReadOptions, Skipped
from auditor.corpora.streams import DataFile


def _root(pattern: str) -> Path:
    """The folder above the first part of a pattern that is no plain name."""
    plain: list[str] = []
    for part in PurePath(pattern).parts:
        if glob.has_magic(part):
            break
        plain.append(part)
    return Path(*plain)


def _read(source: str, options: ReadOptions) -> Iterator[RawRow | Skipped]:
    root = _root(source)
    try:
        matched = sorted(set(root.glob(str(PurePath(source).relative_to(root)))))
    except ValueError as error:
        raise UsageError(
            f"{source}: not a pattern of file names ({error})", hint="Write it as in 'a/**/*.txt'."
        ) from None
    names = {path.relative_to(root).as_posix(): path for path in matched if not path.is_dir()}
    hidden = tuple(sorted(name for name in names if any(part.startswith(".") for part in PurePath(name).parts)))
    paths = {name: path for name, path in names.items() if name not in hidden}
    if not paths:
        folders = sum(map(Path.is_dir, matched))
        raise UsageError(
            f"{source}: no file matches" + (f", only {folders:,} folders" if folders else ""),
            hint=f"To read what lies in them write {source.rstrip('/')}/*.jsonl, or **/*.jsonl for any depth."
            if folders
            else "Check the folder and the suffix; the pattern must be in quotes, so that the shell leaves it alone.",
        )
    files = tuple(DataFile.at(path, name=name, where=str(path)) for name, path in sorted(paths.items()))
    yield from read_files(FileSet(source, "a pattern", files, hidden, several=False), options)


# After every reader of what exists: a name may hold a bracket.
READER = Reader(
    name="pattern",
    formats="a pattern in quotes, such as 'data/*.jsonl' or 'texts/**/*.txt'",
    accepts=lambda source: glob.has_magic(source) and not Path(source).exists(),
    read=_read,
    order=200,
)
