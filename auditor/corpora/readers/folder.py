"""A folder of text files, a file a document."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from auditor.core.contents import HEAD_BYTES, refuse_stand_in, stand_in
from auditor.core.errors import UsageError
from auditor.corpora.reader import RawRow, Reader, Skipped
from auditor.corpora.streams import MAX_DOCUMENT_BYTES, decode

SUFFIXES = (".txt", ".md")


def _stop(error: OSError) -> None:
    raise error


def _files(root: Path) -> list[str]:
    """Relative names of all visible files below the folder, sorted by code point; each real folder is entered once."""
    entered = {_identity(root)}
    names: list[str] = []
    # Links are followed, as a corpus is often a folder of links; each folder is entered once, which ends link loops.
    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=_stop):
        parent = Path(folder)
        to_enter = []
        # Sorted, so that the path by which a folder is entered does not depend on the file system.
        for name in sorted(subfolders, key=lambda name: ((parent / name).is_symlink(), name)):
            identity = _identity(parent / name)
            if not name.startswith(".") and identity not in entered:
                entered.add(identity)
                to_enter.append(name)
        subfolders[:] = to_enter
        names += [(parent / name).relative_to(root).as_posix() for name in files if not name.startswith(".")]
    return sorted(names)


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _text(path: Path, where: str) -> str:
    status = path.stat()
    # A pipe or a device with a .txt name would block or never end.
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{where}: not a regular file", hint="Remove it from the folder.")
    if status.st_size > MAX_DOCUMENT_BYTES:
        raise UsageError(
            f"{where}: a document longer than {MAX_DOCUMENT_BYTES // 2**20} MiB",
            hint="Split it into its documents, or write them one a line as .jsonl.",
        )
    raw = path.read_bytes()
    standing = stand_in(raw[:HEAD_BYTES], "text", whole=len(raw) <= HEAD_BYTES) if raw else None
    refuse_stand_in(standing, where)
    return decode(raw, where)


def _read(source: str) -> Iterator[RawRow | Skipped]:
    root = Path(source)
    names = _files(root)
    for name in names:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            raise UsageError(
                f"{source}: the file name {os.fsencode(name)!r} is not UTF-8", hint="Rename the file."
            ) from None
    wanted = [name for name in names if name.lower().endswith(SUFFIXES)]
    if not wanted:
        suffixes = Counter(Path(name).suffix.lower() or "no extension" for name in names)
        content = ", ".join(f"{count} {suffix}" for suffix, count in sorted(suffixes.items())) or "nothing"
        raise UsageError(
            f"{source}: a folder without .txt or .md files; it holds {content} (hidden files aside)",
            hint="Give a folder of text files, or name a .jsonl, .json, .csv or .parquet file itself.",
        )
    for name in sorted(set(names) - set(wanted)):
        yield Skipped(name)
    for name in wanted:
        below = Path(name).parent.as_posix()
        where = f"{source.rstrip('/')}/{name}"
        yield RawRow(name, where, _text(root / name, where), parent="" if below == "." else below)


# After every reader that recognises a folder by a marker file inside it.
READER = Reader(
    name="folder",
    formats="a folder of .txt or .md files",
    accepts=lambda source: Path(source).is_dir(),
    read=_read,
    order=100,
)
