"""The options of commands. Those of settings are derived from the fields of the settings."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import click

from auditor.cli.console import console_options
from auditor.cli.environment import Option, add_env_vars

if TYPE_CHECKING:
    from auditor.core.record import Record

F = TypeVar("F", bound=Callable[..., Any])
P = TypeVar("P", str, Path)


class SettingsCommand(click.Command):
    """A command with options of settings, which are derived when they are first needed: `--help` of all needs none.

    Args:
        name: As of `click.Command`, like the rest.
        settings: Makes the arguments and options, which come before those of decorators.
    """

    def __init__(
        self, name: str | None, *, settings: Callable[[], Sequence[click.Parameter]], **attributes: Any
    ) -> None:
        self._settings, self._own = settings, list[click.Parameter]()
        super().__init__(name, **attributes)

    @functools.cached_property
    def _all(self) -> list[click.Parameter]:
        return add_env_vars(str(self.name), [*self._settings(), *self._own])

    @property
    def params(self) -> list[click.Parameter]:
        """Every argument and option."""
        return self._all

    @params.setter
    def params(self, own: list[click.Parameter]) -> None:
        self._own = own


def setting_options(
    model: type[Record], wanted: Mapping[str, str] | None = None, *, required: bool | None = None
) -> Iterator[click.Parameter]:
    """An argument or option for each setting that the command line has.

    Args:
        model: The settings.
        wanted: Names of the settings and their help, where empty that of the field; all by default.
        required: Whether settings without a default are required; as the fields say by default.
    """
    from auditor.core.record import usage_of

    for name in wanted or model.model_fields:
        field = model.model_fields[name]
        part = any(hasattr(kind, "model_fields") for kind in (field.annotation, *get_args(field.annotation)))
        if wanted or (usage_of(field).flag and not part):
            needed = field.is_required() if required is None else required
            yield _setting_option(model, name, needed, (wanted or {}).get(name, ""))


def _setting_option(model: type[Record], name: str, required: bool, about: str) -> click.Parameter:
    from auditor.core.record import field_docs, usage_of

    field = model.model_fields[name]
    usage, inner = usage_of(field), _bare(field.annotation)
    if usage.positional:
        return click.Argument([name], required=required)
    multiple = get_origin(inner) is tuple
    flag = f"--{name.replace('_', '-')}"
    flag = flag.removesuffix("s") if multiple else flag
    default = None if field.is_required() else field.default
    shape: dict[str, Any] = {"type": _value_type(inner, field.metadata)}
    if multiple:
        item, pairs = get_args(inner)[0], get_origin(get_args(inner)[0]) is tuple
        shape = {"multiple": True}
        if pairs:
            shape |= {"callback": _pairs, "metavar": f"NAME={_mark(item)}"}
    elif inner is bool:
        shape = {} if default else {"is_flag": True}
        flag = f"{flag}/--{'no'}-{flag[2:]}" if default else flag
    elif usage.escapes:
        default = str(default).replace("\n", "\\n")
    about = about or field_docs(model)[name].replace("`", "")
    return Option(
        [*([usage.short] if usage.short else []), flag, name],
        required=required,
        default=() if multiple else default,
        show_default=not multiple and default not in (None, "") and default is not False,
        help=f"{about} Repeatable." if multiple else about,
        everywhere=usage.everywhere,
        of=model.__name__,
        **shape,
    )


def _bare(annotation: Any) -> Any:
    """The type of a setting without None and without marks."""
    if get_origin(annotation) in (UnionType, Union):
        return _bare(next(part for part in get_args(annotation) if part is not NoneType))
    return _bare(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def _mark(pair: Any) -> str:
    """What the second of a pair names."""
    source = next(iter(getattr(get_args(pair)[1], "__metadata__", ())), None)
    return "MODEL" if getattr(source, "of", "") == "model" else "DATA"


def _value_type(inner: Any, limits: Sequence[Any]) -> Any:
    """The type of an option's value: a choice, a number within its limits, or text."""
    if get_origin(inner) is Literal:
        return click.Choice(get_args(inner))
    bounds = {end: getattr(mark, end) for mark in limits for end in ("ge", "gt", "le", "lt") if hasattr(mark, end)}
    least, most = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if inner is int:
        return click.IntRange(least, most)
    return click.FloatRange(least, most, min_open="gt" in bounds, max_open="lt" in bounds) if inner is float else str


def take(values: dict[str, Any], model: type[Record]) -> dict[str, Any]:
    """Take the settings of a model out of a command's values."""
    from auditor.core.record import usage_of

    taken = {name: values.pop(name) for name in model.model_fields if name in values}
    for name in taken:
        if usage_of(model.model_fields[name]).escapes:
            taken[name] = taken[name].replace("\\n", "\n").replace("\\t", "\t")
    return taken


def _pairs(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Read NAME=SOURCE pairs."""
    pairs = []
    for text in value:
        name, equals, source = text.partition("=")
        if not equals or not name.strip() or not source.strip():
            raise click.BadParameter(f"{text!r} is not NAME=PATH", context, parameter)
        pairs.append((name.strip(), source.strip()))
    return tuple(pairs)


def words(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read words separated by commas; no word at all is refused, because such a gate never fails."""
    if value is None:
        return None
    named = tuple(word.strip() for word in value.split(",") if word.strip())
    if not named:
        raise click.BadParameter("it names nothing; --exit-zero lets everything pass", context, parameter)
    return named


outputs = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="File to write; the extension chooses the format (.html, .json, .md, .xml). Repeatable. -o - prints JSON on "
    "stdout, and the text on stderr.",
)
fail_on = click.option(
    "--fail-on",
    metavar="WORDS",
    callback=words,
    default=None,
    help="Outcomes that make the exit code non-zero, separated by commas: verdicts, and with checkpoints states of "
    "the last one by letter or name. Default: those that --expect does not accept.",
)
exit_zero = click.option(
    "--exit-zero",
    is_flag=True,
    help="Exit 0 whatever the outcome, in place of any gate; errors still exit non-zero.",
)


def report_options(function: F) -> F:
    """The options of `check` and `forget` that are no settings: outputs and gate."""
    expect = click.option(
        "--expect",
        type=click.Choice(["no-evidence", "evidence", "any"]),
        default=None,
        help="The expected outcome; any other makes the exit code non-zero.  [default: no-evidence]",
    )
    for option in (console_options, exit_zero, fail_on, expect, outputs):
        function = option(function)
    return function


def to_stdout(outputs: Sequence[P]) -> tuple[bool, list[P]]:
    """Whether JSON goes to stdout (`-o -`), and the files to write.

    Raises:
        UsageError: `-` is named twice, or stdout is closed.
    """
    from auditor.core.errors import UsageError

    files = [path for path in outputs if str(path) != "-"]
    dashes = len(outputs) - len(files)
    if dashes > 1:
        raise UsageError("output '-' is named twice", hint="Give it once.")
    if dashes and sys.stdout is None:
        raise UsageError("-o - writes to stdout, which is closed", hint="Name a file.")
    return bool(dashes), files
