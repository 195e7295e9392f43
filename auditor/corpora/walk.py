"""The names below a folder, in an order that does not depend on the file system."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from auditor.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class Names:
    """Relative names below a folder, `/` between their parts, each list sorted by code point.

    Attributes:
        files: Visible files.
        folders: Visible folders, whether entered or not.
        hidden_files: Files whose own names begin with a dot.
        hidden_folders: Folders whose own names begin with a dot; none is entered.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    hidden_files: list[str] = field(default_factory=list)
    hidden_folders: list[str] = field(default_factory=list)


def walk(root: Path, source: str, enter: Callable[[str], bool] = lambda folder: True) -> Names:
    """Names of the files and folders below a folder, through links; each real folder is entered once.

    Args:
        root: The folder.
        source: The source, for messages.
        enter: Whether a folder is entered, by its relative name.

    Raises:
        UsageError: The name of a visible file is not UTF-8.
        OSError: A folder that is entered cannot be read.
    """
    names, entered = Names(), {_identity(root)}
    # Links are followed, as a corpus is often a folder of links; each folder is entered once, which ends link loops.
    for folder, subfolders, files in os.walk(root, followlinks=True, onerror=_stop):
        parent = Path(folder)
        to_enter = []
        # Sorted, so that the path by which a folder is entered does not depend on the file system.
        for name in sorted(subfolders, key=lambda name: ((parent / name).is_symlink(), name)):
            below = (parent / name).relative_to(root).as_posix()
            (names.hidden_folders if name.startswith(".") else names.folders).append(below)
            if name.startswith(".") or not enter(below):
                continue
            identity = _identity(parent / name)
            if identity not in entered:
                entered.add(identity)
                to_enter.append(name)
        subfolders[:] = to_enter
        for name in files:
            below = (parent / name).relative_to(root).as_posix()
            (names.hidden_files if name.startswith(".") else names.files).append(below)
    for part in (names.files, names.folders, names.hidden_files, names.hidden_folders):
        part.sort()
    for name in names.files:
        _require_utf8(name, source)
    return names


def _stop(error: OSError) -> None:
    raise error


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _require_utf8(name: str, source: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(
            f"{source}: the file name {os.fsencode(name)!r} is not UTF-8", hint="Rename the file."
        ) from None
