"""Zip files, written alike on every machine and read as hostile input."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from auditor.core.errors import UsageError
from auditor.models.folder import PICKLES
from auditor.verify.bundle.contents import MANIFEST, read_manifest, require_bundle

MOST_ENTRIES = 200_000
MOST_BYTES = 1_000_000_000
"""Limit over all entries: a hundred times an audit of a few hundred documents, or its texts by the ten thousand."""
MOST_RATIO = 100
"""Uncompressed over compressed size, of an entry and of the whole; text and figures stay far below it, and what does
not is stored."""
_SMALL = 4_000
"""An entry up to this size may have any ratio: its name and header already weigh a hundredth of it."""
_LINE = 300
"""Bytes that a manifest may take for each entry: its name, its digest, and room to spare."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip whose bytes depend on their names and contents alone (and on the version of zlib).

    Raises:
        UsageError: They are more than `unpack` would read.
    """
    total = sum(map(len, files.values()))
    if len(files) > MOST_ENTRIES or total > MOST_BYTES:
        raise UsageError(
            f"{len(files):,} files of {total:,} bytes are more than a bundle may have", hint="Leave --reveal out."
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            entry.compress_type = zipfile.ZIP_STORED if _too_tight(files[name]) else zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    return stream.getvalue()


def _too_tight(data: bytes) -> bool:
    return len(data) > _SMALL and len(data) > MOST_RATIO // 2 * len(zlib.compress(data, 9))


def unpack(path: Path) -> dict[str, bytes]:
    """The files of a bundle by name, none of which is written anywhere; only those that its manifest names are read.

    Raises:
        UsageError: It cannot be read or is no bundle, or an entry is a folder, a link, a pickle, encrypted, named
            twice, not named by the manifest, named by a path that leaves the archive, or far larger than what it is
            packed in.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_all(path, entries)
            known = {entry.filename: entry for entry in entries}
            manifest = _manifest(path, archive, known)
            return {name: manifest if name == MANIFEST else _read(archive, known[name]) for name in known}
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise UsageError(f"{path} is no whole zip: {error}", hint="Copy the file again.") from error


def _manifest(path: Path, archive: zipfile.ZipFile, known: Mapping[str, zipfile.ZipInfo]) -> bytes:
    """The bytes of the manifest, which has to name every other entry."""
    require_bundle(known)
    entry = known[MANIFEST]
    if entry.file_size > _LINE * (1 + len(known)):
        raise UsageError(f"{path}: {MANIFEST} has {entry.file_size:,} bytes for {len(known):,} entries")
    written = _read(archive, entry)
    named = {MANIFEST, *read_manifest(written).files}
    stray = next((name for name in known if name not in named), None)
    if stray is not None:
        raise UsageError(f"{path}: entry {stray!r} is refused: {MANIFEST} does not name it")
    return written


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        data = stream.read(entry.file_size + 1)
    if len(data) != entry.file_size:
        raise zipfile.BadZipFile(f"{entry.filename!r} is not of the size that it says")
    return data


def _refuse_all(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise UsageError(f"{path} has {len(entries):,} entries, more than a bundle may have")
    seen: set[str] = set()
    for entry in entries:
        reason = _reason(entry, seen)
        if reason:
            raise UsageError(f"{path}: entry {entry.filename!r} is refused: {reason}")
        seen.add(entry.filename.casefold())
    total = sum(entry.file_size for entry in entries)
    if total > min(MOST_BYTES, MOST_RATIO * path.stat().st_size):
        raise UsageError(f"{path} would unpack to {total:,} bytes, more than a bundle of its size may have")


def _reason(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    """Why an entry is refused; empty where it is not."""
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    reasons = {
        "its name is no plain path inside the archive": _strange(name) or name != entry.filename,
        "its name is there twice": name.casefold() in seen,
        "it is a folder": name.endswith("/"),
        "it is a link or a device": kind not in (0, stat.S_IFREG),
        "it is encrypted": bool(entry.flag_bits & 0x1),
        "a pickle is never read": PurePosixPath(name).suffix.lower() in PICKLES,
        "it is packed in a way that is not read": entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
        "it unpacks to far more than it is packed in": entry.file_size > _SMALL
        and entry.file_size > MOST_RATIO * max(1, entry.compress_size),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _strange(name: str) -> bool:
    parts = name.split("/")
    return (
        not name.isprintable() or any(part in ("", ".", "..") for part in parts) or any(c in name for c in '\\:*?"<>|')
    )
