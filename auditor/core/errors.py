"""Errors shown to the user. Each says what was wrong, where, and what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from auditor.core.text import quoted, shorten, visible


class AuditorError(Exception):
    """Base of every error that is raised on purpose.

    Args:
        message: What was wrong and where (file, line, option).
        hint: What the user can do about it, in one sentence.
    """

    exit_code = 4
    line_breaks: ClassVar[str] = ""
    """What may break the lines of its message; names in it may not."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        shown, hint = visible(self.message, keep=self.line_breaks), "\n  ".join(map(visible, self.hint.split("\n  ")))
        return f"{shown}\n  {hint}" if hint else shown


class UsageError(AuditorError):
    """The request cannot be carried out as given: a wrong option, path, column or file content."""

    exit_code = 2


class FaultsError(UsageError):
    """Several faults of one file, one a line."""

    line_breaks = "\n"


class RunError(AuditorError):
    """A sound request failed: a defective model, lack of memory, a full disk."""

    exit_code = 4


_MODEL_LIBRARIES = frozenset(
    "accelerate datasets gguf huggingface_hub peft psutil pyarrow safetensors tokenizers torch transformers".split()
)


def lacks_model_libraries(error: BaseException | None) -> bool:
    """Whether an error comes from a library that only the extra `models` installs."""
    seen: set[int] = set()
    # An error that is raised anew from one that it was the context of makes a chain without an end.
    while error is not None and id(error) not in seen:
        if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] in _MODEL_LIBRARIES:
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


UNTOUCHED = "Run again when nothing writes to its files any more."
"""What to do about files that changed while they were read."""


_LONGEST_REASON = 500
_ENOUGH = 240
"""Lines after the one that holds the reason are added up to this length: some libraries put it last."""
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_RULE = re.compile(r"\W*")
_TITLE = re.compile(r"\d+ validation errors? for .*|[\w.\[\]'\"-]+", re.IGNORECASE)
_HEADING = re.compile(r".*(?:[:,(\[{]|\b(?:or|and|of|from))|(?:\(\d+\)|\d+\.|[-*•]) .*", re.IGNORECASE)
_ADVICE = re.compile(r"for further info|for debugging consider|compile with `?torch_use|cuda kernel errors", re.I)
_NAMED = re.compile(r"[A-Za-z_][\w.]*: \S")


def reason_of(error: BaseException, *, typed: bool = False) -> str:
    """What an exception of a library says, on one line of bounded length, up to and including its reason.

    Args:
        error: The exception; of one of our own its message, without the hint.
        typed: Put the name of its type first, unless it is one of our own.

    Returns:
        Its lines, joined: headings (which end in a colon or name a field alone), the line that holds the reason, and
        what follows while there is room. Frames of a traceback, rules and colours are left out.
    """
    if isinstance(error, AuditorError):
        return error.message
    name = type(error).__name__
    shown, reached = "", False
    for line in _lines(error):
        if len(shown) > _LONGEST_REASON or (reached and (len(shown) + len(line) > _ENOUGH or _ADVICE.match(line))):
            break
        shown = f"{shown} {line}" if shown else line
        is_title = _TITLE.fullmatch(line) is not None
        if is_title or (line[-1].isalnum() and _HEADING.fullmatch(line) is None):
            shown += ":" if is_title else "."
        reached = reached or not (is_title or _HEADING.fullmatch(line))
    shown = shown.rstrip(".:")
    cause = error.__cause__
    if cause is not None and cause.__cause__ is not error and not reached:
        shown = f"{shown.rstrip(':')}: {reason_of(cause, typed=True)}" if shown else reason_of(cause, typed=True)
    elif typed or not reached:
        shown = f"{name}: {shown}" if shown else name
    return shorten(shown, _LONGEST_REASON)


def _lines(error: BaseException) -> list[str]:
    """The lines of a message that may hold a reason; the frames of a traceback in it are none."""
    lines: list[str] = []
    inside = False
    for raw in _COLOURS.sub("", str(error)).splitlines():
        line = " ".join(raw.split())
        if line.startswith("Traceback "):
            inside = True
        elif inside and not (raw[:1].strip() and _NAMED.match(line)):
            continue
        elif not _RULE.fullmatch(line):
            inside = False
            lines.append(line)
    return lines


def cannot_read(path: object, error: OSError, *, named_by: str = "") -> UsageError:
    """The error for what the file system does not let be read.

    Args:
        path: File or folder, as the user knows it.
        error: The refusal.
        named_by: The file that names the path, where the user did not type it.
    """
    # A text typed in the place of a path is often longer than a path may be, and is not repeated.
    too_long = error.errno == errno.ENAMETOOLONG
    shown = quoted(str(path)) if too_long else str(path)
    shown = f"{shown} (named by {named_by})" if named_by else shown
    if too_long:
        return UsageError(
            f"{shown} cannot be a path, so there is no such file or folder: it has {len(str(path)):,} characters",
            hint="Give the path of a file or a folder, not the text itself.",
        )
    if isinstance(error, PermissionError):
        return UsageError(f"{shown} may not be read", hint="Change its permissions, or run as a user who may read it.")
    return UsageError(f"cannot read {shown}: {error.strerror or error}", hint="Check the path and the disk.")


@contextmanager
def naming_unreadable() -> Iterator[None]:
    """Report what may not be read by its name, wherever the file system refuses it.

    Raises:
        UsageError: A file or folder may not be read, or cannot exist under such a name.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or not (isinstance(error, PermissionError) or error.errno == errno.ENAMETOOLONG):
            raise
        raise cannot_read(error.filename, error) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out, on whichever device and from whichever allocator."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return any(sign in text for sign in ("out of memory", "can't allocate memory", "cannot allocate memory"))
