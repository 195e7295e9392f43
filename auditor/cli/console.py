"""Output of a command: its result on stdout; notes, progress and detail on stderr, which cannot break an audit."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import click

from auditor.cli.environment import Option
from auditor.core.errors import RunError
from auditor.core.text import visible

F = TypeVar("F", bound=Callable[..., Any])

_META = "auditor.console."


@dataclass(frozen=True, slots=True)
class Console:
    """How much the current command prints.

    Attributes:
        quiet: Print errors and the result only.
        verbose: Print what is read, loaded and cached, with the time since the start.
        progress: Show the progress of scoring.
    """

    quiet: bool
    verbose: bool
    progress: bool

    def note(self, text: str) -> None:
        """Print a message that is no result, such as where a file was written, unless the command is quiet."""
        if not self.quiet:
            say(text)

    def note_lines(self, text: str) -> None:
        """Print a message of several lines, unless the command is quiet."""
        if not self.quiet:
            say_lines(text)


def say(text: str) -> None:
    """Write one line to stderr; one that is closed or full is ignored, as no result goes there."""
    say_lines(visible(text))


def say_lines(text: str) -> None:
    """Write a text to stderr whose line feeds are its own; see `say`."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(printable(text), err=True)


class OutputError(RunError):
    """The result could not be written to stdout."""


def print_result(text: str) -> None:
    """Write a result for people to stdout, with escapes for characters that its encoding lacks.

    Raises:
        OutputError: It cannot be written, or its reader went away.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    _to_stdout(visible(text, keep="\n\t").encode(encoding, "backslashreplace").decode(encoding))


def print_document(text: str) -> None:
    """Write a result for programs to stdout, in UTF-8 whatever the locale; errors as `print_result`."""
    _to_stdout(text.encode())


def _to_stdout(text: str | bytes) -> None:
    try:
        click.echo(text, nl=False)
    except OSError as error:
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from error


def printable(text: str) -> str:
    """Neutralise what a file name or a model's answer may carry into a terminal or the log of a CI runner."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in visible(text, keep="\n"))


def current_console() -> Console:
    """The console of the current command; the default one outside of commands."""
    context = click.get_current_context(silent=True)
    meta = {} if context is None else context.meta
    quiet = bool(meta.get(_META + "quiet"))
    return Console(quiet, bool(meta.get(_META + "verbose")), not (quiet or meta.get(_META + "no_progress")))


def console_options(function: F) -> F:
    """The options -q, -v and --no-progress. The command takes no parameter for them: `current_console` knows."""
    flag = partial(click.option, cls=Option, everywhere=True, is_flag=True, expose_value=False, callback=_remember)
    for option in (
        flag("--no-progress", help="Do not show the progress of scoring."),
        flag("-v", "--verbose", help="Print on stderr what is read, loaded and cached, and when."),
        flag("-q", "--quiet", help="Print the result and errors only."),
    ):
        function = option(function)
    return function


_OPPOSITE = {"quiet": "verbose", "verbose": "quiet"}


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Store an option for `current_console`; of -q and -v, the command line wins over the environment."""
    name = str(parameter.name)
    other = _OPPOSITE.get(name, "")
    if value and context.meta.get(_META + other):
        if context.get_parameter_source(name) is not context.get_parameter_source(other):
            return
        raise click.UsageError("--quiet and --verbose contradict each other; give one of them", context)
    context.meta[_META + name] = value
    if value and name == "verbose":
        context.with_resource(_detail())


class _Notes(logging.Handler):
    """Prints warnings of the package as notes of the current command."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        console = current_console()
        if not console.verbose:  # which says it with the rest
            console.note(record.getMessage())


@contextlib.contextmanager
def noting_warnings() -> Iterator[None]:
    """Print warnings as notes; otherwise Python prints them even where the command is quiet."""
    logger, handler = logging.getLogger("auditor"), _Notes()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Timed(logging.Handler):
    """Prints each record with the seconds since the start."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._started = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        say(f"[{time.monotonic() - self._started:7.1f} s] {record.getMessage()}")


@contextlib.contextmanager
def _detail() -> Iterator[None]:
    """Print the log of the package while the command runs."""
    logger = logging.getLogger("auditor")
    before, propagate, handler = logger.level, logger.propagate, _Timed()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        logger.propagate = propagate
