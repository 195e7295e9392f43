"""Limits on what a verification reads and computes, so that no file can hold a machine; docs/lasting.md states them."""

from __future__ import annotations

from pathlib import Path

from auditor.core.errors import UsageError, cannot_read
from auditor.core.files import read_bytes

MOST_FILE = 100_000_000
"""Bytes of a result or a batch.json that are read without `--long`: ten times an audit of 5,000 documents a side.
A file of nothing but empty lists needs some forty times its size in memory."""

MOST_PERMUTATIONS = 1_000_000
"""Largest number of permutations of a result; more would not fit into memory."""

MOST_TOTALS = 100_000_000
"""Largest product of permutations and columns of one table, each of which takes some 30 bytes."""

MOST_WORK = 100_000_000_000
"""Steps that are taken without `--long`: about two minutes of one core, and a hundred times an audit of two sets of 200
documents. A step is a permutation of a measured figure; a pair of groups, which are compared, counts as ten."""


class TooLongError(UsageError):
    """A file is too large, or its figures take too long to recompute."""


def read_limited(path: Path, *, long: bool) -> bytes:
    """Read a file of at most `MOST_FILE` bytes.

    Args:
        path: The file.
        long: Whether any size is read.

    Raises:
        TooLongError: It is larger.
        UsageError: It cannot be read.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise cannot_read(path, error) from error
    require_size(path, size, long=long)
    return read_bytes(path)


def require_size(path: Path, size: int, *, long: bool) -> None:
    """Refuse what is larger than `MOST_FILE` bytes; errors as of `read_limited`."""
    if size > MOST_FILE and not long:
        raise TooLongError(
            f"{str(path)!r} has {size:,} bytes, and at most {MOST_FILE:,} are read",
            hint="Give --long if it is meant to be so large.",
        )
