"""Digests of model files, computed in a stream and remembered so that a second run need not read them again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from auditor.core.errors import AuditorError, cannot_read


class Memo(Protocol):
    """Facts about files, remembered between runs; the score store is one."""

    def recall(self, key: str) -> str | None:
        """The fact stored under a key, or None."""

    def remember(self, key: str, value: str) -> None:
        """Store a fact."""


class NoMemo:
    """Remembers nothing."""

    def recall(self, key: str) -> str | None:
        """Always None."""
        return None

    def remember(self, key: str, value: str) -> None:
        """Store nothing."""


def stamp(path: Path) -> list[str | int]:
    """Path, size, times and inode of a file, some of which change when it is replaced or written to.

    The time of modification can be set back by anyone (`cp -p`, `touch`); the time of change cannot.
    """
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


Stamps = tuple[tuple[str | int, ...], ...]


def _stamps(files: Sequence[Path]) -> Stamps:
    return tuple(tuple(stamp(path)) for path in files)


@dataclass(frozen=True, slots=True)
class FileSnapshot:
    """State of a model's files before they were hashed.

    Attributes:
        find: Lists the files, with the help of a memo.
        files: The files at the time of the snapshot.
        stamps: Path, size, times and inode of each.
    """

    find: Callable[[Memo], Sequence[Path]]
    files: tuple[Path, ...]
    stamps: Stamps

    @classmethod
    def take(cls, find: Callable[[Memo], Sequence[Path]], memo: Memo) -> FileSnapshot:
        """Record the present state of the files that `find` lists.

        Raises:
            UsageError: A file disappeared meanwhile, or may not be read.
        """
        files = tuple(find(memo))
        try:
            return cls(find, files, _stamps(files))
        except OSError as error:
            raise cannot_read(error.filename, error) from error

    def unmodified(self) -> bool:
        """Whether none of the files was replaced or written to."""
        try:
            return _stamps(self.files) == self.stamps
        except OSError:
            return False

    def unchanged(self) -> bool:
        """Whether the files are unmodified, and none was added or removed."""
        try:
            # Without a memo: the store that was one may be closed by now.
            return tuple(self.find(NoMemo())) == self.files and self.unmodified()
        except (AuditorError, OSError):
            return False


def recall_or(memo: Memo, question: str, files: Sequence[Path], compute: Callable[[], str]) -> str:
    """A fact about files, from the memo if none of them has changed since, computed otherwise."""
    key = json.dumps([question, [stamp(path) for path in files]])
    known = memo.recall(key)
    if known is None:
        known = compute()
        memo.remember(key, known)
    return known


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise cannot_read(path, error) from error


def files_sha256(files: Sequence[Path], memo: Memo) -> str:
    """Hex digest over the names and digests of files, in order of name."""
    parts = [
        [path.name, recall_or(memo, "sha256", [path], lambda path=path: file_sha256(path))]  # type: ignore[misc]
        for path in sorted(files, key=lambda path: path.name)
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
