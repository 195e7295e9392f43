"""The score store: one SQLite file of records keyed by the hash of everything that made them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, TypeVar

from auditor.core.errors import RunError, UsageError
from auditor.scoring import output_packing as trace_packing
from auditor.scoring import packing
from auditor.scoring.output_packing import StoredOutputs
from auditor.signals.tokens import TokenSignals

_log = logging.getLogger(__name__)

T = TypeVar("T")
_Table = Literal["scores", "traces"]

_FILE = "scores-1.sqlite"
_WAIT_SECONDS = 120
_CHUNK = 500
_ROOM = 2**16  # bytes; twice what the index of the log takes
_TABLES = """
CREATE TABLE IF NOT EXISTS scores (key TEXT PRIMARY KEY, record BLOB NOT NULL, check_sum BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS traces (key TEXT PRIMARY KEY, record BLOB NOT NULL, check_sum BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


def default_directory() -> Path:
    """`AUDITOR_CACHE_DIR` where it is set, else the platform's cache folder for auditor."""
    named = os.environ.get("AUDITOR_CACHE_DIR")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("auditor", appauthor=False))


class Store:
    """Records of token signals, traces beside them, and facts about files, kept between runs.

    Several processes may use one store at a time: writers wait for each other, each `put_many` is there as a whole or
    not at all, also after a kill. A record whose checksum does not match is treated as missing and scored again.

    Attributes:
        scored: Keys of what was kept since it was opened, records or their traces.
        recalled: Keys of those found that had been there before.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self.scored: set[str] = set()
        self.recalled: set[str] = set()

    @classmethod
    def open(cls, directory: str | os.PathLike[str] | None = None) -> Store:
        """Open the store of a directory, made where it is not there.

        Args:
            directory: Where it is, `~` standing for the user's home; `default_directory()` for None and for "". An
                empty name has to come as it is: `Path("")` is the current directory.

        Raises:
            UsageError: The directory cannot be made or written to.
            RunError: The file there is damaged or no store.
        """
        hint = "Name a directory you may write to with --cache-dir or AUDITOR_CACHE_DIR."
        folder = default_directory() if directory is None or not os.fspath(directory) else Path(directory)
        try:
            folder = folder.expanduser()
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise UsageError(f"cannot make the cache directory {folder}: {why}", hint=hint) from error
        path = folder / _FILE
        if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
            raise UsageError(f"cannot write to the cache directory {folder}", hint=hint)
        with _explained(path):
            connection = sqlite3.connect(path, timeout=_WAIT_SECONDS, isolation_level=None)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.executescript(_TABLES)
                # A damaged key must not stop the reading of the others: it fails its checksum.
                connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
            except BaseException:
                connection.close()
                raise
        return cls(path, connection)

    def get_many(self, keys: Sequence[str]) -> dict[str, TokenSignals]:
        """The records that are there and whole, by key."""
        found = self._get("scores", keys, packing.from_bytes)
        self.recalled |= found.keys() - self.scored
        return found

    def get_traces(self, keys: Sequence[str]) -> dict[str, StoredOutputs]:
        """The traces that are there and whole, by the key of their record."""
        return self._get("traces", keys, trace_packing.from_bytes)

    def _get(self, table: _Table, keys: Sequence[str], read: Callable[[bytes], T]) -> dict[str, T]:
        found = {}
        for at in range(0, len(keys), _CHUNK):
            some = list(keys[at : at + _CHUNK])
            marks = ",".join("?" * len(some))
            with _explained(self.path):
                rows = self._connection.execute(
                    f"SELECT key, record, check_sum FROM {table} WHERE key IN ({marks})", some
                ).fetchall()
            for key, record, check_sum in rows:
                with contextlib.suppress(ValueError):
                    # Damage can change the type of a column too.
                    if isinstance(key, str) and isinstance(record, bytes) and _check_sum(key, record) == check_sum:
                        found[key] = read(record)
        return found

    def put_many(
        self, records: Mapping[str, TokenSignals], traces: Mapping[str, StoredOutputs] = MappingProxyType({})
    ) -> None:
        """Keep records and traces, all of them or none.

        Args:
            records: By their keys.
            traces: By the keys of their records.

        Raises:
            RunError: The disk is full or the store damaged.
        """
        rows: dict[_Table, list[tuple[str, bytes]]] = {
            "scores": [(key, packing.to_bytes(signals)) for key, signals in records.items()],
            "traces": [(key, trace_packing.to_bytes(kept)) for key, kept in traces.items()],
        }
        with self._transaction():
            for table, some in rows.items():
                self._connection.executemany(
                    f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)",
                    [(key, record, _check_sum(key, record)) for key, record in some],
                )
        fresh = records.keys() | traces.keys()
        self.scored |= fresh
        self.recalled -= fresh

    def count(self) -> int:
        """How many records are kept."""
        with _explained(self.path):
            return int(self._connection.execute("SELECT count(*) FROM scores").fetchone()[0])

    def recall(self, key: str) -> str | None:
        """The fact kept under a key, or None."""
        with _explained(self.path):
            row = self._connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        check_sum, _, value = str(row[0]).partition(" ") if row else ("", "", "")
        return value if check_sum == _check_sum(key, value.encode()).hex() else None

    def remember(self, key: str, value: str) -> None:
        """Keep a fact."""
        with self._transaction():
            kept = f"{_check_sum(key, value.encode()).hex()} {value}"
            self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, kept))

    @contextlib.contextmanager
    def alone(self, purpose: str) -> Iterator[None]:
        """Wait until no other process does the same for this store. The system lets go of one that died.

        Each purpose has a file of its own, which is empty and stays: whoever waits for it may hold it already.
        """
        from filelock import FileLock, Timeout

        own = hashlib.sha256(purpose.encode()).hexdigest()[:16]
        lock = FileLock(self.path.with_name(f"{self.path.stem}-{own}.lock"))
        with contextlib.ExitStack() as held:
            try:
                try:
                    held.enter_context(lock.acquire(timeout=0))
                except Timeout:
                    _log.warning("another process may be scoring the same for the store %s; waiting for it", self.path)
                    held.enter_context(lock.acquire())
            # Not every file system has locks; without them a text may be scored twice, to the same record.
            except (OSError, NotImplementedError) as error:
                _log.info("no lock beside the store %s: %s", self.path, error)
            yield

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with _explained(self.path):
            # IMMEDIATE takes the write lock at once, so that two writers wait instead of failing half-way.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check_sum(key: str, record: bytes) -> bytes:
    """Over key and record, so that a record moved under another key is noticed too."""
    return hashlib.sha256(key.encode() + record).digest()[:16]


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours.

    Raises:
        RunError: Always, on an error.
    """
    try:
        yield
    # SQLite quotes what it finds in a damaged file, which need not be UTF-8.
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
