"""What a command says: its result on stdout, and notes, progress and detail on stderr, which cannot break an audit."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from auditor.cli.environment import Option
from auditor.core.errors import RunError

F = TypeVar("F", bound=Callable[..., Any])

_META = "auditor.voice."


@dataclass(frozen=True, slots=True)
class Console:
    """How much the current command says.

    Attributes:
        quiet: Nothing but errors and the result.
        verbose: What is read, loaded and found in the store, with the time since the start.
        progress: Whether the progress of scoring is shown.
    """

    quiet: bool
    verbose: bool
    progress: bool

    def note(self, text: str) -> None:
        """Say something that is no result, such as where a file was written; nothing where the command is quiet."""
        if not self.quiet:
            say(text)


def say(text: str) -> None:
    """Write a line to stderr. One that is closed, full or gone changes nothing: the result is not there."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(printable(text), err=True)


class OutputError(RunError):
    """The result could not be written to stdout."""


def print_result(text: str) -> None:
    """Write a result for people to stdout; what its encoding lacks appears as an escape.

    Raises:
        OutputError: It cannot be written, or its reader went away.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    _to_stdout(text.encode(encoding, "backslashreplace").decode(encoding))


def print_document(text: str) -> None:
    """Write a result for programs to stdout, in UTF-8 whatever the locale; errors as `print_result`."""
    _to_stdout(text.encode())


def _to_stdout(text: str | bytes) -> None:
    try:
        click.echo(text, nl=False)
    except OSError as error:
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from error


def printable(text: str) -> str:
    """Neutralise control characters that a file name or a model's answer may carry into a terminal."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def current_console() -> Console:
    """The voice of the command that runs; the usual one outside of commands and for those without its options."""
    context = click.get_current_context(silent=True)
    given = {} if context is None else context.meta
    quiet = bool(given.get(_META + "quiet"))
    return Console(quiet, bool(given.get(_META + "verbose")), not (quiet or given.get(_META + "no_progress")))


def console_options(function: F) -> F:
    """The options -q, -v and --no-progress. The command takes no parameter for them: `current_console` knows."""
    for option in (
        click.option(
            "--no-progress",
            cls=Option,
            everywhere=True,
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Do not show how far it is.",
        ),
        click.option(
            "-v",
            "--verbose",
            cls=Option,
            everywhere=True,
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Say on stderr what is read, loaded and found in the store, and when.",
        ),
        click.option(
            "-q",
            "--quiet",
            cls=Option,
            everywhere=True,
            is_flag=True,
            expose_value=False,
            callback=_remember,
            help="Print the result and errors only.",
        ),
    ):
        function = option(function)
    return function


_OPPOSITE = {"quiet": "verbose", "verbose": "quiet"}


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Keep one option for `current_console`. Of -q and -v, that on the command line wins over the environment's."""
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
    """Notes what the rooms of auditor warn of, as the command that runs wants notes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        voice = current_console()
        if not voice.verbose:  # which says it with the rest
            voice.note(record.getMessage())


@contextlib.contextmanager
def noting_warnings() -> Iterator[None]:
    """Note what is warned of; without this Python itself would print it, whatever was asked."""
    logger, handler = logging.getLogger("auditor"), _Notes()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Timed(logging.Handler):
    """Says each record with the seconds since it was made."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._started = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        say(f"[{time.monotonic() - self._started:7.1f} s] {record.getMessage()}")


@contextlib.contextmanager
def _detail() -> Iterator[None]:
    """Say what the rooms of auditor log, for as long as the command runs."""
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
