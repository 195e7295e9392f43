"""Reading files, and writing them atomically, never over an input."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from auditor.core.errors import RunError, UsageError

PARTIAL = ".auditor-*.tmp"
"""Name of a file that is being written; one that remains belongs to a process that was killed."""


def read_paths(inputs: Iterable[str | PathLike[str]]) -> list[Path]:
    """Resolved paths of the inputs that exist."""
    return [Path(name).resolve() for name in inputs if Path(name).exists()]


def refuse_read(path: Path, read: Iterable[Path]) -> None:
    """Refuse to write over or into an input.

    Args:
        path: Output path.
        read: Input paths, as `read_paths` gives them.

    Raises:
        UsageError: The output is one of the inputs, or lies in one.
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
        UsageError: The file system refuses.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a text as `write_bytes` does, in UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically: it appears complete or not at all. Missing folders are created.

    Raises:
        RunError: The file system refuses.
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
        # The error that matters is raised already.
        with contextlib.suppress(OSError):
            partial.unlink()
