"""OutputFormat: one way to write something down. Choosing one by extension, and writing files in them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeVar

from auditor.core.errors import UsageError
from auditor.core.files import read_paths, refuse_read, write_files
from auditor.core.text import did_you_mean

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutputFormat(Generic[T]):
    """A pure function from something to the text of one file.

    Attributes:
        name: Its short name.
        extensions: The file extensions that choose it, lower case with their dot.
        render: The function. It reads what it is given and nothing else, so the same gives the same bytes.
    """

    name: str
    extensions: tuple[str, ...]
    render: Callable[[T], str] = field(repr=False)


def format_for(path: Path, forms: Iterable[OutputFormat[T]]) -> OutputFormat[T]:
    """The form that the extension of a path chooses.

    Raises:
        UsageError: None has this extension.
    """
    known = {extension: form for form in forms for extension in form.extensions}
    extension = path.suffix.lower()
    if extension in known:
        return known[extension]
    where = f"output {str(path)!r}"
    if not extension:
        raise UsageError(
            f"{where} has no extension to choose a format by", hint=f"Use one of {', '.join(sorted(known))}."
        )
    raise UsageError(f"{where}: no format has the extension {extension!r}", hint=did_you_mean(extension, known))


def check_paths(
    paths: Sequence[str | PathLike[str]],
    forms: Iterable[OutputFormat[Any]],
    *,
    inputs: Sequence[str | PathLike[str]] = (),
) -> None:
    """Refuse outputs that could not be written or would overwrite what is read, before any work is done.

    Args:
        paths: Where to write.
        forms: What may be written.
        inputs: What is read; names that are no path are passed over.

    Raises:
        UsageError: A path has an unknown extension, comes twice, is a folder, or cannot be made where it lies.
    """
    forms = tuple(forms)
    seen: set[Path] = set()
    read = read_paths(inputs)
    for path in map(Path, paths):
        format_for(path, forms)
        target = path.resolve()
        if target in seen:
            raise UsageError(f"output {str(path)!r} is named twice", hint="Give each output a path of its own.")
        seen.add(target)
        refuse_read(path, read)
        if target.is_dir():
            raise UsageError(f"output {str(path)!r} is a folder", hint="Name a file in it, such as report.html.")
        parent = next(folder for folder in target.parents if folder.exists())
        if not parent.is_dir():
            raise UsageError(f"output {str(path)!r} lies under {str(parent)!r}, which is no folder")
        if not os.access(parent, os.W_OK):
            raise UsageError(f"output {str(path)!r}: the folder {str(parent)!r} cannot be written to")


def write_all(what: T, paths: Sequence[str | PathLike[str]], forms: Iterable[OutputFormat[T]]) -> None:
    """Write something to each path in the form of its extension. Missing folders are made.

    Everything is rendered before anything is written; the files of two calls never stand together (`write_files`).

    Raises:
        UsageError: As `check_paths`.
        RunError: The file system refused.
    """
    forms = tuple(forms)
    check_paths(paths, forms)
    write_files({path: format_for(path, forms).render(what).encode("utf-8") for path in map(Path, paths)})
