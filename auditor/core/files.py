"""Writing files that appear whole or not at all, and never over what is read."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from auditor.core.errors import RunError, UsageError

PARTIAL = ".auditor-*.tmp"
"""Name of a file that is being written; one that stays behind is of a process that was killed."""


def read_paths(inputs: Iterable[str | PathLike[str]]) -> list[Path]:
    """Where that lies which is read; names that are no path are passed over."""
    return [Path(name).resolve() for name in inputs if Path(name).exists()]


def refuse_read(path: Path, read: Iterable[Path]) -> None:
    """Refuse to write over or into what is read.

    Args:
        path: Where to write.
        read: What is read, as `read_paths` gave it.

    Raises:
        UsageError: The path is one of these, or lies in one.
    """
    target = path.resolve()
    for source in read:
        if target == source or source in target.parents:
            raise UsageError(
                f"output {str(path)!r} is or lies in {str(source)!r}, which is read",
                hint="Write to a place of its own.",
            )


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        UsageError: The file system refused.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text as `write_bytes` does, in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all. Missing folders are made.

    Raises:
        RunError: The file system refused.
    """
    target = path.resolve()
    partial = target.parent / PARTIAL.replace("*", secrets.token_hex(8))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    except OSError as error:
        raise RunError(f"could not write {str(path)!r}: {error.strerror or error}") from error
    finally:
        # What has gone wrong is told already.
        with contextlib.suppress(OSError):
            partial.unlink()
