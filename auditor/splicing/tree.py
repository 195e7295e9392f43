"""The files of a corpus that is copied: every one of them, by its name, without links and without histories."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from auditor.core.errors import UsageError, cannot_read

_HISTORIES = frozenset({".git", ".hg", ".svn", ".bzr", ".jj", ".dvc"})


@dataclass(frozen=True, slots=True)
class Tree:
    """What lies below a folder, or one file.

    Attributes:
        root: The folder, or that of the file.
        files: Names of the files relative to it, `/` between their parts, sorted by code point.
        folders: Names of the folders below it.
        histories: Names of folders of version control; they hold what is withheld, so they are no part of it.
    """

    root: Path
    files: tuple[str, ...]
    folders: tuple[str, ...] = ()
    histories: tuple[str, ...] = ()


def read_tree(path: Path) -> Tree:
    """List a folder, or one file.

    Raises:
        UsageError: There is no such path; or something in it is a link, a device or a pipe, or has a name that is not
            UTF-8.
    """
    if path.is_file():
        return Tree(path.resolve().parent, (path.resolve().name,))
    if not path.is_dir():
        raise UsageError(f"{path}: no such file or folder", hint="Give a file or a folder of documents.")
    root, files, folders, histories = path.resolve(), list[str](), list[str](), list[str]()
    for folder, below, names in os.walk(root, onerror=_stop):
        for name in (*below, *names):
            _require_plain(Path(folder, name), path / Path(folder, name).relative_to(root))
        relative = Path(folder).relative_to(root)
        histories += [(relative / name).as_posix() for name in below if name in _HISTORIES]
        below[:] = sorted(name for name in below if name not in _HISTORIES)
        folders += [(relative / name).as_posix() for name in below]
        files += [(relative / name).as_posix() for name in names if name not in _HISTORIES]
    return Tree(root, tuple(sorted(files)), tuple(sorted(folders)), tuple(sorted(histories)))


def _stop(error: OSError) -> None:
    raise cannot_read(error.filename, error) from error


def _require_plain(path: Path, shown: Path) -> None:
    try:
        path.name.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError(f"the file name {os.fsencode(path.name)!r} is not UTF-8", hint="Rename the file.") from None
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise UsageError(
            f"{shown}: a symbolic link, which a copy may not follow or keep",
            hint="Put the file itself there, for example with `cp -RL`.",
        )
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise UsageError(f"{shown}: not a regular file", hint="Remove it from the folder.")


def require_apart(corpus: Path, to: Path) -> None:
    """Refuse to write a copy into what is copied, or over a folder that holds it.

    Raises:
        UsageError: One lies in the other.
    """
    source, target = corpus.resolve(), to.resolve()
    if target == source or source in target.parents or target in source.parents:
        raise UsageError(
            f"{str(to)!r} and {str(corpus)!r} lie in one another", hint="Write the copy to a folder of its own."
        )
