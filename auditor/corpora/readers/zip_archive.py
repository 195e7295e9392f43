"""A .zip archive of text files or of tables of one format; nothing is unpacked to the disk."""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from auditor.core.contents import require_content
from auditor.core.errors import UsageError
from auditor.corpora.file_set import FileSet, read_files
from auditor.corpora.reader import RawRow, Reader, ReadOptions, Skipped, split_of
from auditor.corpora.streams import DataFile

MAX_MEMBERS = 1_000_000
MAX_ARCHIVE_BYTES = 16 * 2**30
"""Most that the files of an archive may hold together by its own account, which unpacking holds them to: 16 GiB."""

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".bz2", ".xz", ".zst")
_UNPACK = "Unpack it and give the folder."


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def _refuse(archive: str, name: str, why: str) -> UsageError:
    return UsageError(f"{archive}: the file {name!r} in it {why}", hint=_UNPACK)


def _check(archive: str, members: list[zipfile.ZipInfo]) -> None:
    """Refuse what no archive of documents holds, before anything of it is unpacked."""
    total = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or total > MAX_ARCHIVE_BYTES:
        raise UsageError(
            f"{archive}: {len(members):,} files of {total:,} bytes, where an archive may hold {MAX_MEMBERS:,} files "
            f"of {MAX_ARCHIVE_BYTES // 2**30} GiB",
            hint=_UNPACK,
        )
    for member in members:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or name.startswith(("/", "\\")) or ":" in (parts or ("",))[0]:
            raise _refuse(archive, name, "has a path that leads out of the archive")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise _refuse(archive, name, "is a link")
        if member.flag_bits & 1:
            raise _refuse(archive, name, "is encrypted")
        if name.lower().endswith(_ARCHIVES):
            raise _refuse(archive, name, "is an archive itself")
    twice = next((name for name, count in Counter(m.filename for m in members).items() if count > 1), None)
    if twice is not None:
        raise _refuse(archive, twice, "is there twice")


def _open(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> IO[bytes]:
    try:
        return archive.open(member)
    except (NotImplementedError, RuntimeError) as error:
        raise UsageError(f"{where}: compressed in a way that is not read ({error})", hint=_UNPACK) from None


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)


def _read(source: str, options: ReadOptions) -> Iterator[RawRow | Skipped]:
    path, split = split_of(source, _is_zip)
    given = source if split is None else source.removesuffix(f":{split}")
    require_content(path, "binary", where=given)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise UsageError(f"{given}: not a readable zip archive ({error})", hint="Write or copy it again.") from None
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        _check(given, members)
        visible = sorted((m for m in members if not _is_hidden(m.filename)), key=lambda m: m.filename)
        files = tuple(
            DataFile(member.filename, f"{given}/{member.filename}", partial(_open, archive, member, given))
            for member in visible
        )
        hidden = tuple(sorted(member.filename for member in members if _is_hidden(member.filename)))
        yield from read_files(FileSet(given, "an archive", files, hidden), options, split)


READER = Reader(
    name="zip",
    formats=".zip of such files (ARCHIVE or ARCHIVE:SPLIT)",
    accepts=lambda source: _is_zip(split_of(source, _is_zip)[0]),
    read=_read,
)
