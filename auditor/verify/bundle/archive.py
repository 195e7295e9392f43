"""Zip files, written alike on every machine and read as hostile input."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from auditor.core.errors import UsageError, cannot_read
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
_DIRECTORY_ENTRY, _END_OF_MANY = 46, 76
"""Bytes of an entry of the directory without its name, and in front of the end of an archive of more than 65,535."""
_PLAIN = (
    *("date_time", "create_system", "create_version", "extract_version", "external_attr", "internal_attr", "volume"),
    *("extra", "comment", "reserved"),
)
"""What an entry of the directory says beside name, sizes and checksum."""


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
            packed = zipfile.ZIP_STORED if _too_tight(files[name]) else zipfile.ZIP_DEFLATED
            archive.writestr(_entry(name, packed), files[name], compresslevel=9)
    return stream.getvalue()


def _entry(name: str, packed: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.compress_type = packed
    return entry


def _too_tight(data: bytes) -> bool:
    return len(data) > _SMALL and len(data) > MOST_RATIO // 2 * len(zlib.compress(data, 9))


def unpack(path: Path) -> dict[str, bytes]:
    """The files of a bundle by name, none of which is written anywhere; only those that its manifest names are read.

    Raises:
        UsageError: It cannot be read or is no bundle, or an entry is a folder, a link, a pickle, encrypted, named
            twice, not named by the manifest, named by a path that leaves the archive, or far larger than what it is
            packed in; or the file holds a byte that `pack` does not write: in front, between, behind or in a header.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path} has {path.stat().st_size:,} bytes, more than a bundle may have")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_all(path, entries)
            _refuse_strays(path.read_bytes(), entries, archive.start_dir)
            known = {entry.filename: entry for entry in entries}
            manifest = _manifest(path, archive, known)
            return {name: manifest if name == MANIFEST else _read(archive, known[name]) for name in known}
    except OSError as error:
        raise cannot_read(path, error) from error
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


def _refuse_strays(raw: bytes, entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Refuse an archive that is more than its entries one after the other, their directory and its end.

    Bytes elsewhere are covered by no digest: another reader of the same file could take them for its content.

    Args:
        raw: The file.
        entries: In the order of the directory.
        directory: Where the directory begins.

    Raises:
        BadZipFile: There is such a byte.
    """
    position, length = 0, 0
    for entry in entries:
        ours = _entry(entry.filename, entry.compress_type)
        ours.CRC, ours.file_size, ours.compress_size = entry.CRC, entry.file_size, entry.compress_size
        header = ours.FileHeader(zip64=False)
        if any(getattr(ours, name) != getattr(entry, name) for name in _PLAIN):
            raise zipfile.BadZipFile(f"the directory says of {entry.filename!r} what `auditor bundle` does not write")
        if entry.header_offset != position or not raw.startswith(header, position):
            raise zipfile.BadZipFile(f"{entry.filename!r} does not begin where the file before it ends")
        position += len(header) + entry.compress_size
        length += _DIRECTORY_ENTRY + len(entry.orig_filename.encode())
    count = min(len(entries), zipfile.ZIP_FILECOUNT_LIMIT)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, length, position, 0)
    many = _END_OF_MANY if len(entries) > zipfile.ZIP_FILECOUNT_LIMIT else 0
    if position != directory or len(raw) != position + length + many + len(end) or not raw.endswith(end):
        raise zipfile.BadZipFile("it holds bytes that belong to none of its files")


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
