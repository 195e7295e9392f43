"""The command line: finds commands and maps errors to exit codes; nothing outside `cli` prints or exits."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import click
from click.core import ParameterSource

import auditor.cli.commands
from auditor.cli.console import OutputError, noting_warnings, say_lines
from auditor.cli.environment import add_env_vars, epilog_of, naming_variables, variable_used
from auditor.cli.options import SettingsCommand
from auditor.core.errors import AuditorError, UsageError, lacks_model_libraries, naming_unreadable
from auditor.core.text import did_you_mean, visible
from auditor.core.version import VERSION

EXIT_USAGE = 2
EXIT_BROKEN = 4
EXIT_INTERRUPTED = 130


class _Commands(click.Group):
    """Commands are the modules of `auditor.cli.commands`; each is imported only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(info.name for info in pkgutil.iter_modules(auditor.cli.commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        return _command(cmd_name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None:
            hint = did_you_mean(name, self.list_commands(ctx))
            raise click.UsageError(f"unknown command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


@functools.cache
def _command(name: str) -> click.Command:
    """A command with the variables of its options; cached, because that changes it."""
    command: click.Command = importlib.import_module(f"auditor.cli.commands.{name}").command
    command.name = name
    settings = isinstance(command, SettingsCommand)
    if not settings:
        add_env_vars(name, command.params)
    if settings or any(isinstance(parameter, click.Option) for parameter in command.params):
        command.epilog = epilog_of(name)
    if command.callback is not None:
        command.callback = naming_variables(command.callback)
    return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Exit codes: 0 no evidence, 1 evidence, 2 usage, 3 inconclusive, 4 the run broke, 130 interrupted.",
)
@click.version_option(VERSION, prog_name="auditor")
def cli() -> None:
    """Was this language model trained on this dataset? Evidence that survives a hostile reader."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that says what happened."""
    _occupy_standard_streams()
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        with naming_unreadable(), noting_warnings(), _naming_missing_libraries(arguments or sys.argv[1:]):
            code = cli.main(args=arguments, prog_name="auditor", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        return int(leaving.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _fail("interrupted; run the same command again to go on where it stopped", EXIT_INTERRUPTED)
    except click.ClickException as problem:
        buffer = io.StringIO()
        problem.show(buffer)
        say_lines(buffer.getvalue().rstrip() + _variable_of(problem))
        return EXIT_USAGE
    except OutputError as problem:
        _discard_stdout()
        gone = isinstance(problem.__cause__, BrokenPipeError)
        return EXIT_BROKEN if gone else _fail(str(problem), EXIT_BROKEN)
    except AuditorError as problem:
        return _fail(str(problem), problem.exit_code)
    except (BrokenPipeError, SystemExit):
        # click turns a broken pipe into exit code 1, which is that of a finding here.
        _discard_stdout()
        return EXIT_BROKEN
    except Exception as problem:
        if os.environ.get("AUDITOR_DEBUG"):
            with contextlib.suppress(OSError, ValueError):
                say_lines(traceback.format_exc())
        text = "\n  ".join(map(visible, str(problem).splitlines())) or "no message"
        return _fail(
            f"the run broke: {type(problem).__name__}: {text}\n  This is a defect of auditor or of a library under it; "
            "set AUDITOR_DEBUG=1 to see where, and please report it.",
            EXIT_BROKEN,
        )
    return int(code) if isinstance(code, int) else 0


@contextlib.contextmanager
def _naming_missing_libraries(arguments: list[str]) -> Iterator[None]:
    """Say how to install the model libraries where a command needs them and the light install lacks them."""
    try:
        yield
    except Exception as error:
        if not lacks_model_libraries(error):
            raise
        raise UsageError(
            f"auditor {arguments[0]} needs the model libraries: pip install 'llm-auditor[models]'"
        ) from error


def _fail(message: str, code: int) -> int:
    say_lines(f"auditor: {message}")
    return code


def _variable_of(problem: click.ClickException) -> str:
    """Name the variable that gave the value a message is about; empty where none did."""
    if not isinstance(problem, click.BadParameter) or not isinstance(problem.param, click.Option) or not problem.ctx:
        return ""
    source = problem.ctx.get_parameter_source(str(problem.param.name))
    # A variable that cannot be split into its values has not become a source yet.
    if source not in (ParameterSource.ENVIRONMENT, None) or (name := variable_used(problem.param)) is None:
        return ""
    return f"\n  The value was given by the variable {name}."


def _occupy_standard_streams() -> None:
    """Open closed standard streams on the null device, so that no file gets their numbers and is written to."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is given, which is this one.
            os.open(os.devnull, os.O_RDWR)


def _discard_stdout() -> None:
    """Discard buffered output, which has no reader and would fail once more at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
