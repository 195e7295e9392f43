"""Environment variables for options.

Each option can be given as AUDITOR_COMMAND_OPTION (`AUDITOR_CHECK_SEED=1`), which only that command reads. The short
form AUDITOR_OPTION (`AUDITOR_SEED=1`) is read where its meaning is certain: by `check` and `forget`, and by every
command for options with one meaning everywhere, such as the cache folder. `batch` writes a folder and its file decides
what fails, so AUDITOR_OUTPUT and AUDITOR_FAIL_ON do not reach it; `doctor` would load a model because of AUDITOR_MODEL.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import click
from click.core import ParameterSource

from auditor.core.errors import UsageError


class Option(click.Option):
    """An option that says how far its short variable reaches.

    Args:
        everywhere: Whether every command reads the short form.
        of: Name of the settings that it belongs to; empty where it is no setting.
    """

    def __init__(self, *arguments: Any, everywhere: bool = False, of: str = "", **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.everywhere, self.of = everywhere, of


def flag_of(option: click.Parameter) -> str:
    """The long form of an option."""
    return max(option.opts, key=len)


def variables_of(command: str, option: click.Option) -> tuple[str, ...]:
    """The variables of an option of a command; the first that is set and not empty counts.

    A `check` has the options of a series too, and does not read the short variables meant for a `forget`.
    """
    everywhere, of = getattr(option, "everywhere", False), getattr(option, "of", "")
    short = everywhere or command == "forget" or (command == "check" and of != "SeriesSettings")
    end = flag_of(option).removeprefix("--").upper().replace("-", "_")
    own = f"AUDITOR_{command.upper().replace('-', '_')}_{end}"
    return (own, f"AUDITOR_{end}") if short else (own,)


def add_env_vars(name: str, parameters: list[click.Parameter]) -> list[click.Parameter]:
    """Let the options of the command called `name` be given by the environment, too; the command line wins."""
    for option in parameters:
        if isinstance(option, click.Option):
            option.envvar = variables_of(name, option)
            if option.multiple:
                option.type = _Several(option.type)
    return parameters


def epilog_of(name: str) -> str:
    """What the help of a command says of its variables."""
    return (
        f"Environment: any option can be given as AUDITOR_{name.upper()}_OPTION, and most as AUDITOR_OPTION; the "
        "command line wins. Values of a repeatable option are separated by white space. `auditor list environment` "
        "names all variables."
    )


class _Several(click.ParamType[Any]):
    """Type of a repeatable option: values in a variable are separated by white space, and may be quoted."""

    def __init__(self, inner: click.ParamType[Any]) -> None:
        self.inner, self.name = inner, inner.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self.inner.convert(value, param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return self.inner.get_metavar(param, ctx)

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        import shlex

        words = shlex.shlex(rv, posix=True, punctuation_chars=False)
        words.whitespace_split, words.commenters, words.escape = True, "", ""
        try:
            return list(words)
        except ValueError as error:
            raise click.BadParameter(f"{rv!r}: {str(error).lower()}") from None


_NO_CAUSE = frozenset(["--cache-dir", "--quiet", "--verbose", "--no-progress"])
"""Options that are often set permanently and that no other message is about."""


def _from_environment(context: click.Context) -> dict[str, str]:
    """The variables behind the values of the current command, and the option of each."""
    return {
        variable: flag_of(option)
        for option in context.command.params
        if isinstance(option, click.Option)
        and flag_of(option) not in _NO_CAUSE
        and context.get_parameter_source(str(option.name)) is ParameterSource.ENVIRONMENT
        and (variable := variable_used(option)) is not None
    }


def variable_used(option: click.Option) -> str | None:
    """The variable that an option's value would come from; None where none is set."""
    names = (option.envvar,) if isinstance(option.envvar, str) else option.envvar or ()
    return next((name for name in names if os.environ.get(name)), None)


def naming_variables(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Name in a usage error the options that came from the environment, which the command line does not show."""

    @functools.wraps(callback)
    def named(*arguments: Any, **options: Any) -> Any:
        try:
            return callback(*arguments, **options)
        except UsageError as problem:
            variables = _from_environment(click.get_current_context())
            if variables:
                listed = ", ".join(f"{flag} by {name}" for name, flag in variables.items())
                problem.hint = f"{problem.hint}\n  From the environment: {listed}.".removeprefix("\n  ")
            raise

    return named
