"""The environment twins of options: which variable stands for which option of which command.

Each option can be given as AUDITOR_COMMAND_OPTION (`AUDITOR_CHECK_SEED=1`), which only that command reads. The shorter
`AUDITOR_SEED` is read where it cannot be meant for something else: by `check` and `forget`, and for what means the same
everywhere, such as the cache folder, by all. `batch` writes a folder, which is not what `AUDITOR_OUTPUT` names, and its
file says what makes each audit red, which an `AUDITOR_FAIL_ON` meant for single audits must not change; `doctor` would
load a model because of `AUDITOR_MODEL`: they read their own variables only.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import click
from click.core import ParameterSource

from auditor.core.errors import UsageError

EVERYWHERE = frozenset(["cache-dir", "quiet", "verbose", "no-progress", "device", "dtype", "context", "max-tokens"])
"""Options that mean the same in every command that has them."""

OF_A_SERIES = frozenset(
    ["checkpoint", "general", "placebo", "relearn", "layers", "task", "label-column", "label-template"]
)
"""What `forget` is asked about a series. A `check` has these too, and must not take up those meant for a `forget`."""


def flag_of(option: click.Parameter) -> str:
    """The long form of an option."""
    return max(option.opts, key=len)


def variables_of(command: str, option: click.Option) -> tuple[str, ...]:
    """The variables that stand for an option of a command; the first that is set and not empty counts."""
    name = flag_of(option).removeprefix("--")
    short = name in EVERYWHERE or command == "forget" or (command == "check" and name not in OF_A_SERIES)
    end = name.upper().replace("-", "_")
    own = f"AUDITOR_{command.upper().replace('-', '_')}_{end}"
    return (own, f"AUDITOR_{end}") if short else (own,)


def add_env_vars(name: str, command: click.Command) -> click.Command:
    """Let the options of a command be given by the environment, too; flags win.

    Args:
        name: How the command is called.
        command: The command, which is changed.
    """
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    for option in options:
        option.envvar = variables_of(name, option)
        if option.multiple:
            option.type = _Several(option.type)
    if options:
        own = f"AUDITOR_{name.upper().replace('-', '_')}_"
        command.epilog = (
            f"Environment: any option can be given as {own}OPTION, and most as AUDITOR_OPTION; options given here win, "
            "and values of a repeatable one are separated by white space. `auditor list environment` names them all."
        )
    if command.callback is not None:
        command.callback = _naming_variables(command.callback)
    return command


class _Several(click.ParamType[Any]):
    """A repeatable option's type: its values in a variable are separated by white space, and may be quoted."""

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
"""Options that are often set for good and that no other message is about."""


def _from_environment(context: click.Context) -> dict[str, str]:
    """The variables that gave the current command a value that may be wrong, and the option of each."""
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


def _naming_variables(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Say in a usage error which options came from the environment: nobody sees them on the command line."""

    @functools.wraps(callback)
    def named(*arguments: Any, **options: Any) -> Any:
        try:
            return callback(*arguments, **options)
        except UsageError as problem:
            given = _from_environment(click.get_current_context())
            if given:
                told = f"From the environment: {', '.join(f'{flag} by {name}' for name, flag in given.items())}."
                problem.hint = f"{problem.hint}\n  {told}" if problem.hint else told
            raise

    return named
