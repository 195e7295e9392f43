"""Reading files, and writing them atomically, never over an input."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path

from auditor.core.errors import RunError, UsageError, cannot_read

PARTIAL = ".auditor-*.tmp"
"""Name of a file that is being written; one that remains belongs to a process that was killed."""

_PARTIAL_FOLDER = ".auditor-*.part"

_LOCK_ATTEMPTS = 500
_LOCK_PAUSE = 0.02  # seconds; ten in all


def read_paths(inputs: Iterable[str | PathLike[str]]) -> list[Path]:
    """Resolved paths of the inputs that exist: of `FOLDER:SPLIT` the folder, of a pattern the files it matches."""
    return [path.resolve() for name in inputs for path in _existing(str(name))]


def _existing(name: str) -> list[Path]:
    if not Path(name).exists() and glob.has_magic(name):
        root = pattern_root(name)
        pattern = Path(glob.escape(str(root)), Path(name).relative_to(root))
        return [Path(matched) for matched in glob.iglob(str(pattern), recursive=True)]  # noqa: PTH207, absolute or not
    while not Path(name).exists() and ":" in name:
        name = name.rpartition(":")[0]
    return [Path(name)] if name and Path(name).exists() else []


def pattern_root(pattern: str) -> Path:
    """The folder above the first part of a pattern that is no plain name; a part that exists as it stands is plain."""
    root = Path()
    for part in Path(pattern).parts:
        if glob.has_magic(part) and not (root / part).exists():
            break
        root /= part
    return root


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
        raise cannot_read(path, error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write one file as `write_files` does."""
    write_files({path: data})


def write_files(contents: Mapping[Path, bytes], *, private: bool = False) -> None:
    """Write files that belong together: each appears whole, and never beside one of an earlier or concurrent call.

    All are staged before the first appears, and several replace their predecessors only once all of these are gone: a
    process that is killed in between leaves some of them missing. What killed processes left half-written in the
    folders is removed. Missing folders are created.

    Args:
        contents: Bytes of each file.
        private: Whether nobody but their owner may read them.

    Raises:
        RunError: The file system refuses; the files that were there stay, unless it refuses the replacing itself.
    """
    targets = {path: path.resolve() for path in contents}
    staged: dict[Path, Path] = {}
    with contextlib.ExitStack() as cleanup:
        for path, target in sorted(targets.items(), key=lambda pair: pair[1].parent):
            with _reported(path):
                target.parent.mkdir(parents=True, exist_ok=True)
                if target.parent not in {partial.parent for partial in staged.values()}:
                    cleanup.enter_context(_sole_writer(target.parent))
                staged[path] = target.parent / PARTIAL.replace("*", secrets.token_hex(8))
                cleanup.callback(_remove, staged[path])
                _write_new(staged[path], contents[path], 0o600 if private else 0o666)
        for path, target in targets.items() if len(targets) > 1 else ():
            with _reported(path):
                target.unlink(missing_ok=True)
        for path, target in targets.items():
            with _reported(path):
                staged[path].replace(target)


@contextlib.contextmanager
def staged_folder(path: Path) -> Iterator[Path]:
    """A folder to write to that becomes `path` once all of it is written, and is removed where anything fails.

    A process that is killed in between leaves nothing at `path`; what it wrote is removed by the next that writes to
    the same parent folder.

    Args:
        path: Where the folder is to be: nothing, or an empty folder.

    Raises:
        UsageError: There is something already.
        RunError: The file system refuses.
    """
    with contextlib.ExitStack() as cleanup:
        with _reported(path):
            target = path.resolve()
            if target.exists() and not (target.is_dir() and not any(target.iterdir())):
                raise UsageError(f"{str(path)!r} holds something already", hint="Name a new or an empty folder.")
            target.parent.mkdir(parents=True, exist_ok=True)
            cleanup.enter_context(_sole_writer(target.parent))
            staged = target.parent / _PARTIAL_FOLDER.replace("*", secrets.token_hex(8))
            cleanup.callback(_remove, staged)
            staged.mkdir()
        with _reported(path):
            yield staged
            if target.exists():
                target.rmdir()
            staged.rename(target)


@contextlib.contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"could not write {str(path)!r}: {error.strerror or error}") from error


def _write_new(path: Path, data: bytes, mode: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _remove(path: Path) -> None:
    # Called where another error may be on its way, which matters more.
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextlib.contextmanager
def _sole_writer(folder: Path) -> Iterator[None]:
    """Hold a folder while outputs are written to it, and remove what killed processes left half-written there.

    The system frees the lock of a process that died, so that whatever is half-written under the lock is nobody's.
    Where a folder cannot be locked, nothing is removed.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if _lock(lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)):
            for leftover in (*folder.glob(PARTIAL), *folder.glob(_PARTIAL_FOLDER)):
                _remove(leftover)
        yield
    finally:
        os.close(descriptor)


def _lock(attempt: Callable[[], None]) -> bool:
    """Whether a lock was obtained; a writer that is stopped holds up the others for seconds only."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            attempt()
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE)
        except OSError:
            return False
        else:
            return True
    return False
