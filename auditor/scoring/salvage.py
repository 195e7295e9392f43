"""Generations of a score store: what is intact in a damaged file goes into a new one, which takes its turn.

A new file under a new name, because other processes may still have the damaged one open: SQLite keeps its log under
the file's name, so a file that takes the name of an open one is damaged by it.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Generator, Iterator
from pathlib import Path

STEM = "scores-1"
TABLES = """
CREATE TABLE IF NOT EXISTS scores (key TEXT PRIMARY KEY, record BLOB NOT NULL, check_sum BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS traces (key TEXT PRIMARY KEY, record BLOB NOT NULL, check_sum BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
"""Records, other model outputs by the key of their record, and facts about files."""

_NAME = re.compile(rf"{STEM}(?:-rebuilt-(\d+))?\.sqlite")
_DIGITS = "0123456789abcdef"
_BEHIND = "g"  # sorts behind every digit
_CHUNK = 500
_DEPTH = 5  # digits of a prefix; with so many a range of keys is less than a page of any store
_MOST_DAMAGED = 128  # ranges; where more cannot be read, a page is damaged that leads to all of them


def newest(folder: Path) -> Path:
    """The store's newest file in a folder; the name of its first where there is none."""
    return max((path for path in folder.iterdir() if _NAME.fullmatch(path.name)), key=_number, default=_file(folder, 1))


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found a page of a database that is not as it was written."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF == sqlite3.SQLITE_CORRUPT


def rebuild(damaged: sqlite3.Connection, path: Path) -> tuple[Path, int]:
    """Copy what can be read of a damaged store into a file of its own, and remove the damaged one.

    The caller holds a lock, so that one process does so at a time. A record is checked when it is read, so none is
    believed because it was copied.

    Args:
        damaged: Connection to the damaged file.
        path: Its path.

    Returns:
        The new file and the number of its records.

    Raises:
        sqlite3.Error: The new file cannot be written; the damaged one stays.
    """
    following = _file(path.parent, _number(path) + 1)
    partial = following.with_suffix(".partial")
    _remove(partial)
    copy = sqlite3.connect(partial, isolation_level=None)
    try:
        copy.executescript(f"PRAGMA journal_mode=OFF; {TABLES} BEGIN;")
        for table in ("scores", "traces", "facts"):
            for rows in _intact(damaged, table):
                marks = ", ".join("?" * len(rows[0]))
                copy.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", rows)
        records = int(copy.execute("SELECT count(*) FROM scores").fetchone()[0])
        copy.execute("COMMIT")
    except BaseException:
        copy.close()
        _remove(partial)
        raise
    copy.close()
    partial.replace(following)
    damaged.close()
    _remove(path)
    return following, records


def _intact(damaged: sqlite3.Connection, table: str) -> Iterator[list[tuple[object, ...]]]:
    """The readable rows of a table, some at a time and some of them twice.

    Keys of records are hexadecimal digests. Where a page is damaged, the rows before it are read, those behind it
    backwards, and those between two damaged pages by ever longer prefixes of their keys.
    """
    prefixes = [""]
    for _ in range(_DEPTH):
        read: dict[str, bool] = {}
        for prefix in prefixes:
            read[prefix] = yield from _rows(damaged, table, prefix)
        failed = [prefix for prefix, whole in read.items() if not whole]
        if len(failed) > _MOST_DAMAGED:
            return
        for prefix in failed:
            yield from _rows(damaged, table, prefix, "DESC")
        prefixes = [prefix + digit for prefix in failed for digit in _DIGITS]


def _rows(
    damaged: sqlite3.Connection, table: str, prefix: str, order: str = "ASC"
) -> Generator[list[tuple[object, ...]], None, bool]:
    """The rows whose keys begin with a prefix, up to the first damaged page; whether there was none."""
    where, values = (" WHERE key >= ? AND key < ?", (prefix, prefix + _BEHIND)) if prefix else ("", ())
    rows: list[tuple[object, ...]] = []
    try:
        for row in damaged.execute(f"SELECT * FROM {table}{where} ORDER BY key {order}", values):
            rows.append(row)
            if len(rows) == _CHUNK:
                yield rows
                rows = []
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        whole = False
    else:
        whole = True
    if rows:
        yield rows
    return whole


def _file(folder: Path, number: int) -> Path:
    return folder / (f"{STEM}.sqlite" if number == 1 else f"{STEM}-rebuilt-{number}.sqlite")


def _number(path: Path) -> int:
    name = _NAME.fullmatch(path.name)
    return int(name[1] or 1) if name else 0


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
        with contextlib.suppress(OSError):
            path.with_name(name).unlink()
