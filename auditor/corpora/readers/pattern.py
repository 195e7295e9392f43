"""A pattern of file names, such as `data/*.jsonl`: every file it matches."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path, PurePath

from auditor.core.errors import UsageError
from auditor.core.files import pattern_root
from auditor.corpora.file_set import FileSet, read_files
from auditor.corpora.patterns import NamePattern
from auditor.corpora.reader import RawRow, Reader, ReadOptions, Skipped
from auditor.corpora.streams import DataFile
from auditor.corpora.walk import Names, walk


def _read(source: str, options: ReadOptions) -> Iterator[RawRow | Skipped]:
    root = pattern_root(source)
    pattern = NamePattern(PurePath(source).relative_to(root).as_posix())
    if not pattern.sound:
        raise UsageError(
            f"{source}: not a pattern of file names ('**' is a part of its own, and none is '..')",
            hint="Write it as in 'a/**/*.txt'.",
        )
    names = walk(root, source, pattern.leads_through) if root.is_dir() else Names()
    matched = list(filter(pattern.matches, names.files))
    if not matched:
        folders = sum(map(pattern.matches, names.folders))
        raise UsageError(
            f"{source}: no file matches" + (f", only {folders:,} folders" if folders else ""),
            hint=f"To read what lies in them write {source.rstrip('/')}/*.jsonl, or **/*.jsonl for any depth."
            if folders
            else "Check the folder and the suffix; the pattern must be in quotes, so that the shell leaves it alone.",
        )
    files = tuple(DataFile.at(root / name, name=name, where=str(root / name)) for name in matched)
    hidden = [*filter(pattern.matches, names.hidden_files), *filter(pattern.leads_through, names.hidden_folders)]
    yield from read_files(FileSet(source, "a pattern", files, tuple(sorted(hidden)), several=False), options)


# After every reader of what exists: a name may hold a bracket.
READER = Reader(
    name="pattern",
    formats="a pattern in quotes, such as 'data/*.jsonl' or 'texts/**/*.txt'",
    accepts=lambda source: glob.has_magic(source) and not Path(source).exists(),
    read=_read,
    order=200,
)
