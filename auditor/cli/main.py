"""The command line: finds the commands, maps errors to exit codes, and is alone in printing and exiting."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
import traceback
from typing import Any

import click

import auditor.cli.commands
from auditor.errors import AuditorError
from auditor.plugins import did_you_mean
from auditor.version import VERSION

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
        command: click.Command = importlib.import_module(f"auditor.cli.commands.{cmd_name}").command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        name = args[0] if args else ""
        if name and self.get_command(ctx, name) is None:
            hint = did_you_mean(name, self.list_commands(ctx))
            raise click.UsageError(f"unknown command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


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
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = cli.main(args=arguments, prog_name="auditor", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        return int(leaving.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _fail("interrupted; run the same command again to go on where it stopped", EXIT_INTERRUPTED)
    except click.ClickException as problem:
        problem.show()
        return EXIT_USAGE
    except AuditorError as problem:
        return _fail(str(problem), problem.exit_code)
    except BrokenPipeError:
        # The reader of our output went away; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN
    except Exception as problem:
        if os.environ.get("AUDITOR_DEBUG"):
            traceback.print_exc()
        said = str(problem) or "no message"
        return _fail(
            f"the run broke: {type(problem).__name__}: {said}\n  This is a defect of auditor or of a library under it; "
            "set AUDITOR_DEBUG=1 to see where, and please report it.",
            EXIT_BROKEN,
        )
    return int(code) if isinstance(code, int) else 0


def _fail(message: str, code: int) -> int:
    click.echo(f"auditor: {_printable(message)}", err=True)
    return code


def _printable(message: str) -> str:
    """Neutralise control characters that a file name or a model's answer may carry into a terminal."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in message)


if __name__ == "__main__":
    main()
