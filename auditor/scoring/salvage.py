"""Generations of a score store: what is intact in a damaged file goes into a new one, which takes its turn.

A new file under a new name, because other processes may still have the damaged one open: SQLite keeps its log under
the file's name, so a file that takes the name of an open one is damaged by it.

SQLite gives up a whole table where the page that leads to it is damaged. So the pages are read one by one, by the
published format of its files (sqlite.org/fileformat2.html), and a record counts if its own checksum does.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import re
import sqlite3
import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

STEM = "scores-1"
TABLES = """
CREATE TABLE IF NOT EXISTS scores (key TEXT PRIMARY KEY, record BLOB NOT NULL, check_sum BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS traces (key TEXT PRIMARY KEY, record BLOB NOT NULL, check_sum BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
"""Records, other model outputs by the key of their record, and facts about files."""

_NAME = re.compile(rf"{STEM}(?:-rebuilt-(\d+))?\.sqlite")
_CHUNK = 500
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_HEADERS = {_TABLE_LEAF: 8, _INDEX_LEAF: 8, _INDEX_INTERIOR: 12}
_PAGE_SIZE = 4096
_LARGEST = 2**30
_Row = tuple[str | bytes, ...]


def newest(folder: Path) -> Path:
    """The store's newest file in a folder; the name of its first where there is none."""
    return max((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=_number, default=_file(folder, 1))


def is_newest(path: Path) -> bool:
    """Whether a file is there and no other process has put a newer one in its place."""
    return path.exists() and newest(path.parent) == path


def check_sum(key: str, record: bytes) -> bytes:
    """Checksum of key and record, so that a record under a wrong key does not match."""
    return hashlib.sha256(key.encode() + record).digest()[:16]


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found a page of a database that is not as it was written."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def rebuild(path: Path) -> tuple[Path, int]:
    """Copy the intact records of a damaged store into a file of its own; the damaged one stays.

    The caller holds the locks by which no other process writes to the damaged file or rebuilds it.

    Args:
        path: The damaged file.

    Returns:
        The new file and the number of records in it; where there is none, the damaged file.

    Raises:
        sqlite3.Error: The new file cannot be written.
        OSError: The damaged one cannot be read.
    """
    following = _file(path.parent, _number(path) + 1)
    partial = following.with_suffix(".partial")
    remove(partial)
    copy = sqlite3.connect(partial, isolation_level=None)
    try:
        copy.executescript(f"PRAGMA journal_mode=OFF; {TABLES} BEGIN;")
        rows = intact_rows(path)
        while chunk := list(islice(rows, _CHUNK)):
            for table, row in chunk:
                marks = ", ".join("?" * len(row))
                copy.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)
        records = int(copy.execute("SELECT count(*) FROM scores").fetchone()[0])
        copy.execute("COMMIT")
    except BaseException:
        copy.close()
        remove(partial)
        raise
    copy.close()
    if not records:
        remove(partial)
        return path, 0
    partial.replace(following)
    return following, records


def intact_rows(path: Path) -> Iterator[tuple[str, _Row]]:
    """Every row of a store's file whose checksum is right, with the name of its table, page by page.

    A row may come twice: pages that are no longer in use keep what they held.
    """
    if not path.stat().st_size:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        size = _page_size(data)
        for start in range(0, len(data) - size + 1, size):
            # The first page begins with the header of the file.
            kind = data[start + (100 if start == 0 else 0)]
            for payload in _payloads(data, start, size, kind) if kind in _HEADERS and start else ():
                row = _columns(payload)
                table = _table_of(kind, row)
                if table:
                    yield table, row


def _page_size(data: mmap.mmap) -> int:
    (size,) = struct.unpack_from(">H", data, 16)
    return size if size in (512, 1024, 2048, 4096, 8192, 16384, 32768) else _PAGE_SIZE


def _payloads(data: mmap.mmap, start: int, size: int, kind: int) -> Iterator[bytes]:
    """The contents of the cells of one page, overflow pages included; what leads nowhere is passed over."""
    (count,) = struct.unpack_from(">H", data, start + 3)
    for index in range(min(count, (size - _HEADERS[kind]) // 2)):
        (at,) = struct.unpack_from(">H", data, start + _HEADERS[kind] + 2 * index)
        with contextlib.suppress(IndexError, struct.error):
            yield _payload(data, start, at + (4 if kind == _INDEX_INTERIOR else 0), size, kind)


def _payload(data: mmap.mmap, start: int, at: int, size: int, kind: int) -> bytes:
    length, at = _varint(data, start + at)
    if kind == _TABLE_LEAF:
        _, at = _varint(data, at)
    if length > min(_LARGEST, len(data)):
        raise IndexError
    most = size - 35 if kind == _TABLE_LEAF else (size - 12) * 64 // 255 - 23
    least = (size - 12) * 32 // 255 - 23
    rest = least + (length - least) % (size - 4)
    local = length if length <= most else rest if rest <= most else least
    parts, missing = [data[at : at + local]], length - local
    (page,) = struct.unpack_from(">I", data, at + local) if missing else (0,)
    while missing > 0:
        (following,) = struct.unpack_from(">I", data, (page - 1) * size)
        parts.append(data[(page - 1) * size + 4 : (page - 1) * size + 4 + min(missing, size - 4)])
        missing, page = missing - (size - 4), following
    return b"".join(parts)


def _columns(payload: bytes) -> _Row:
    """The text and blob columns of a record; none where it holds others or its parts do not fit together."""
    columns: list[str | bytes] = []
    try:
        end, at = _varint(payload, 0)
        body = end
        while at < end:
            kind, at = _varint(payload, at)
            if kind < 12:
                return ()
            value = payload[body : body + (kind - 12) // 2]
            columns.append(value.decode() if kind % 2 else value)
            body += (kind - 12) // 2
    except (IndexError, UnicodeDecodeError):
        return ()
    return tuple(columns)


def _table_of(kind: int, row: _Row) -> str:
    """The table that a row belongs to; none unless its checksum is right."""
    if len(row) == 3:
        key, record, stored = row
        if isinstance(key, str) and isinstance(record, bytes) and stored == check_sum(key, record):
            return "traces" if kind == _TABLE_LEAF else "scores"
    if len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], str):
        stored, _, value = row[1].partition(" ")
        if stored == check_sum(row[0], value.encode()).hex():
            return "facts"
    return ""


def _varint(data: bytes | mmap.mmap, at: int) -> tuple[int, int]:
    """A number of up to nine bytes, and where the next thing begins."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9


def _file(folder: Path, number: int) -> Path:
    return folder / (f"{STEM}.sqlite" if number == 1 else f"{STEM}-rebuilt-{number}.sqlite")


def _number(path: Path) -> int:
    name = _NAME.fullmatch(path.name)
    return int(name[1] or 1) if name else 0


def remove(path: Path) -> None:
    """Remove a database with its log."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
        with contextlib.suppress(OSError):
            path.with_name(name).unlink()
