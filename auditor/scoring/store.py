"""The score store: one SQLite file of records keyed by the hash of everything that made them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Literal, TypeVar

from auditor.core.cache_folder import default_directory
from auditor.core.errors import RunError, UsageError
from auditor.scoring.packing import StoredOutputs, pack_outputs, pack_signals, unpack_outputs, unpack_signals
from auditor.scoring.salvage import STEM, TABLES, check_sum, is_damage, is_newest, newest, rebuild, remove
from auditor.signals.tokens import TokenSignals

_log = logging.getLogger(__name__)

T = TypeVar("T")
_Table = Literal["scores", "traces"]  # the second holds model outputs

_WAIT_SECONDS = 120
_CHUNK = 500
_ROOM = 2**16  # bytes; twice what the index of the log takes


class Store:
    """Token signals, other model outputs, and facts about files, stored between runs.

    Several processes may use one store at a time: writers wait for each other, and each `put_many` is stored as a whole
    or not at all, also after a kill. A record whose checksum does not match is treated as missing and scored again; a
    damaged page costs the records on it, as the others are moved to a new file.

    Attributes:
        path: The file.
        scored: Keys of the records and outputs stored since it was opened.
        recalled: Keys of the records read that were stored before it was opened.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self.scored: set[str] = set()
        self.recalled: set[str] = set()

    @classmethod
    def open(cls, directory: str | os.PathLike[str] | None = None) -> Store:
        """Open the store of a directory, which is created if needed.

        Args:
            directory: Its path, where `~` is the user's home; `default_directory()` for None and for "". Pass an empty
                name as a string: `Path("")` is the current directory.

        Raises:
            UsageError: The directory cannot be created or written to, or its file system has no locks.
            RunError: The file in it is damaged or not a store.
        """
        hint = "Name a directory you may write to with --cache-dir or AUDITOR_CACHE_DIR."
        folder = default_directory() if directory is None or not os.fspath(directory) else Path(directory)
        try:
            folder = folder.expanduser()
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"cannot create the cache directory {folder}: {why}", hint=hint) from error
        path = newest(folder)
        if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise UsageError(f"cannot write to the cache directory {folder}", hint=hint)
        _require_locks(folder)
        return cls(*_open_newest(folder))

    def get_many(self, keys: Sequence[str]) -> dict[str, TokenSignals]:
        """The stored and intact records, by key."""
        records = self._get("scores", keys, unpack_signals)
        self.recalled |= records.keys() - self.scored
        return records

    def get_outputs(self, keys: Sequence[str]) -> dict[str, StoredOutputs]:
        """The stored and intact outputs, by the key of their record."""
        return self._get("traces", keys, unpack_outputs)

    def _get(self, table: _Table, keys: Sequence[str], read: Callable[[bytes], T]) -> dict[str, T]:
        values = {}
        for start in range(0, len(keys), _CHUNK):
            chunk = list(keys[start : start + _CHUNK])
            marks = ",".join("?" * len(chunk))
            rows = self._read(f"SELECT key, record, check_sum FROM {table} WHERE key IN ({marks})", chunk)
            for key, record, stored in rows:
                with contextlib.suppress(ValueError):
                    # Damage can change the type of a column too.
                    if isinstance(key, str) and isinstance(record, bytes) and check_sum(key, record) == stored:
                        values[key] = read(record)
        return values

    def put_many(
        self, records: Mapping[str, TokenSignals], outputs: Mapping[str, StoredOutputs] = MappingProxyType({})
    ) -> None:
        """Store records and outputs, all of them or none.

        Args:
            records: By their keys.
            outputs: By the keys of their records.

        Raises:
            RunError: The disk is full or the store cannot be used.
        """
        rows: dict[_Table, list[tuple[str, bytes]]] = {
            "scores": [(key, pack_signals(signals)) for key, signals in records.items()],
            "traces": [(key, pack_outputs(stored)) for key, stored in outputs.items()],
        }
        self._write(
            {
                f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)": [
                    (key, record, check_sum(key, record)) for key, record in table_rows
                ]
                for table, table_rows in rows.items()
            }
        )
        fresh = records.keys() | outputs.keys()
        self.scored |= fresh
        self.recalled -= fresh

    def count(self) -> int:
        """Number of stored records."""
        return int(self._read("SELECT count(*) FROM scores")[0][0])

    def recall(self, key: str) -> str | None:
        """The fact stored under a key, or None."""
        rows = self._read("SELECT value FROM facts WHERE key = ?", [key])
        stored, _, value = str(rows[0][0]).partition(" ") if rows else ("", "", "")
        return value if stored == check_sum(key, value.encode()).hex() else None

    def remember(self, key: str, value: str) -> None:
        """Store a fact."""
        checked = f"{check_sum(key, value.encode()).hex()} {value}"
        self._write({"INSERT OR REPLACE INTO facts VALUES (?, ?)": [(key, checked)]})

    def alone(self, purpose: str) -> AbstractContextManager[None]:
        """Hold the lock of a purpose, which one process at a time has; the system releases that of a dead process.

        Each purpose has an empty lock file, which is not deleted: another process may be waiting for it.
        """
        return _alone(self.path, purpose)

    def _read(self, query: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        return self._despite_damage(lambda: self._connection.execute(query, values).fetchall())

    def _write(self, statements: Mapping[str, list[tuple[Any, ...]]]) -> None:
        while not self._despite_damage(lambda: self._transaction(statements)):
            self._reopen()

    def _transaction(self, statements: Mapping[str, list[tuple[Any, ...]]]) -> bool:
        """Write everything or nothing; False, and nothing, where another process has replaced the file."""
        # IMMEDIATE takes the write lock at once, so that two writers wait instead of failing half-way.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            current = is_newest(self.path)
            for statement, rows in statements.items() if current else ():
                self._connection.executemany(statement, rows)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return current

    def _despite_damage(self, operation: Callable[[], T]) -> T:
        """Do something with the file; where that meets a damaged page, once more with a file without it."""
        with _explained(self.path):
            try:
                return operation()
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                damage = error
            if is_newest(self.path) and not _replace(self.path):
                raise damage
            self._reopen()
            return operation()

    def _reopen(self) -> None:
        self._connection.close()
        self.path, self._connection = _open_newest(self.path.parent)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open_newest(folder: Path) -> tuple[Path, sqlite3.Connection]:
    """The newest file of a folder and a connection to it, rebuilt first where SQLite cannot open it.

    Raises:
        RunError: It cannot be used, and no record in it is intact.
    """
    while True:
        with _explained(folder):
            path = newest(folder)
        with _explained(path):
            try:
                connection = _connect(path)
            except sqlite3.DatabaseError as error:
                if not is_damage(error) or not _replace(path):
                    raise
                continue
        # Another process may have replaced it meanwhile, and this one made an empty file of its name.
        if newest(folder) == path:
            return path, connection
        connection.close()


def _replace(path: Path) -> bool:
    """Put a file with the intact records in the place of a damaged one; False where it holds none."""
    with _alone(path, "rebuild"), contextlib.ExitStack() as cleanup:
        if not is_newest(path):
            return True
        # Other writers wait until the new file is there, and find it when they have the lock.
        with contextlib.suppress(sqlite3.Error):
            damaged = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            cleanup.callback(damaged.close)
            damaged.execute("PRAGMA wal_checkpoint(PASSIVE)")
            damaged.execute("BEGIN IMMEDIATE")
        following, records = rebuild(path)
        if following == path:
            return False
        _log.warning(
            "the score store %s was damaged; its %d intact records are now in %s, the rest is scored again",
            path,
            records,
            following.name,
        )
    remove(path)
    return True


@contextlib.contextmanager
def _alone(path: Path, purpose: str) -> Iterator[None]:
    from filelock import FileLock, Timeout

    own = hashlib.sha256(purpose.encode()).hexdigest()[:16]
    lock = FileLock(path.with_name(f"{STEM}-{own}.lock"))
    with contextlib.ExitStack() as held:
        try:
            try:
                held.enter_context(lock.acquire(timeout=0))
            except Timeout:
                _log.warning("another process may be scoring the same texts for the store %s; waiting for it", path)
                held.enter_context(lock.acquire())
        # Not every file system has locks; without them a text may be scored twice, to the same record.
        except (OSError, NotImplementedError) as error:
            _log.info("the store %s is used without a lock: %s", path, error)
        yield


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(TABLES)
        # A damaged key must not stop the reading of the others: it fails its checksum.
        connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
    except BaseException:
        connection.close()
        raise
    return connection


def _require_locks(folder: Path) -> None:
    """Refuse a file system without locks, on which SQLite waits in vain as if another process held the store.

    Raises:
        UsageError: It has none.
    """
    try:
        import fcntl
    except ImportError:
        return
    with contextlib.ExitStack() as cleanup:
        try:
            # Nameless: to close any descriptor of the store's own file would release SQLite's locks on it.
            probe = cleanup.enter_context(tempfile.TemporaryFile(dir=folder))
        except OSError:
            # A full disk, for one; what is wrong shows when the store is opened.
            return
        try:
            fcntl.lockf(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(
                f"the file system of the cache directory {folder} gives no locks: {error.strerror}",
                hint="Without them two runs would damage the score store. Name a directory on a local disk with"
                " --cache-dir or AUDITOR_CACHE_DIR.",
            ) from error


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into `RunError`."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"the score store {path} cannot be used: {error.strerror or error}",
            hint="Check that its folder is still there, or name another with --cache-dir.",
        ) from error
    # SQLite quotes the content of a damaged file, which need not be UTF-8.
    except (sqlite3.Error, UnicodeDecodeError) as error:
        text = str(error)
        # On a full disk SQLite cannot make its index of the log either, and calls that an I/O error.
        if "full" in text or ("I/O" in text and shutil.disk_usage(path.parent).free < _ROOM):
            raise RunError(f"no space left for the score store {path}", hint="Free space and run again.") from error
        if "locked" in text or "busy" in text:
            raise RunError(
                f"another process held the score store {path} for {_WAIT_SECONDS} s", hint="Wait for it and run again."
            ) from error
        if "I/O" in text:
            raise RunError(
                f"the score store {path} cannot be read or written: {text}",
                hint="Check the disk, or name another directory with --cache-dir.",
            ) from error
        raise RunError(
            f"the score store {path} cannot be used: {text}",
            hint="Delete the file (its scores are computed again) or name another directory with --cache-dir.",
        ) from error
