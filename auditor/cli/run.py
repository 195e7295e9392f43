"""How `check` and `forget` run: audit, write, print, and exit as the gate decides."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from auditor.cli.console import current_console, print_document, print_result
from auditor.cli.environment import Option, flag_of, variable_used
from auditor.cli.options import setting_options, take, to_stdout

if TYPE_CHECKING:
    from auditor.results.gate import Expect, Gate
    from auditor.settings import AuditSettings


def check_options() -> list[click.Parameter]:
    """The arguments and options of `check`: every setting of an audit and of a series."""
    from auditor.results.policy import Policy
    from auditor.settings import SHORT_THRESHOLDS, AuditSettings, RunOptions, SeriesSettings

    return [
        *setting_options(AuditSettings),
        *setting_options(Policy, dict.fromkeys(SHORT_THRESHOLDS, "")),
        *setting_options(SeriesSettings, required=False),
        *setting_options(RunOptions),
    ]


def forget_options() -> list[click.Parameter]:
    """The arguments and options of `forget`: those of `check` without the settings of a check alone."""
    from auditor.settings import CHECK_ONLY, SeriesSettings

    of_check = [parameter for parameter in check_options() if parameter.name not in CHECK_ONLY]
    series = {str(parameter.name): parameter for parameter in setting_options(SeriesSettings)}
    return [series.get(str(parameter.name), parameter) for parameter in of_check]


def settings_of(values: dict[str, Any]) -> dict[str, Any]:
    """Take the settings of an audit, as `make_settings` takes them, out of a command's values."""
    from auditor.results.policy import Policy
    from auditor.settings import AuditSettings

    return {"policy": take(values, Policy), "series": series_settings(values), **take(values, AuditSettings)}


def series_settings(values: dict[str, Any]) -> dict[str, Any] | None:
    """Take the settings of a series out of a command's values; None where there is no series.

    Raises:
        UsageError: A setting of a series is given without checkpoints.
    """
    from auditor.core.errors import UsageError
    from auditor.settings import SeriesSettings

    context = click.get_current_context()
    given = take(values, SeriesSettings)
    if given["checkpoints"]:
        return given
    stray = [name for name in given if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    if stray:
        flag = next(flag_of(p) for p in context.command.params if p.name == stray[0])
        raise UsageError(f"{flag} needs a series of checkpoints", hint="Give --checkpoint NAME=PATH twice.")
    return None


def run_and_report(
    settings: AuditSettings,
    *,
    outputs: Sequence[Path],
    name: str,
    cache_dir: str | None,
    **gate: Any,
) -> int:
    """Run an audit as the current command was asked to, write and print its result, and give the exit code.

    Args:
        settings: What is audited.
        outputs: Where the result is written.
        name: How the audit is called.
        cache_dir: Where scores are kept.
        **gate: The options of the gate.
    """
    from auditor.audit.run import run_audit
    from auditor.cli.progress import make_progress
    from auditor.report.renderer import check_outputs, render, write_outputs
    from auditor.results.summary import evaluate_gate
    from auditor.settings import inputs_of, make_options

    options = make_options(
        name=name,
        command=command_line(click.get_current_context()),
        cache_dir=cache_dir,
        gate=gate_of(**gate, has_series=settings.series is not None),
    )
    as_json, files = to_stdout(outputs)
    check_outputs(files, inputs=inputs_of(settings))
    with make_progress() as progress:
        result = run_audit(settings, options, progress=progress)
    write_outputs(result, files)
    print_rendered(render(result, "text"), render(result, "json") if as_json else None, files)
    return evaluate_gate(result).exit_code


def print_rendered(text: str, document: str | None, files: Sequence[Path]) -> None:
    """Print a result that was written.

    Args:
        text: It as text.
        document: It as JSON where that goes to stdout, and the text to stderr; None otherwise.
        files: What was written.
    """
    console = current_console()
    if document is not None:
        console.note_lines(text)
        print_document(document)
    else:
        print_result(text)
    for path in files:
        console.note(f"wrote {path}")


def gate_of(
    *, expect: Expect | None, fail_on: tuple[str, ...] | None, exit_zero: bool, has_series: bool = False
) -> Gate:
    """The gate that a command's options describe.

    Args:
        expect: The expected outcome.
        fail_on: Outcomes on which it fails.
        exit_zero: Whether it passes whatever the outcome.
        has_series: Whether there are checkpoints, whose states it may name.

    Raises:
        UsageError: A word is unknown, two options contradict each other, or a state is named without a series.
    """
    from auditor.core.errors import UsageError
    from auditor.results.gate import make_gate

    if only_reports(exit_zero, "expect", "fail_on"):
        return make_gate("any", ())
    gate = make_gate(expect, fail_on)
    if not has_series and any(word.startswith("state ") for word in gate.fail_on):
        raise UsageError("--fail-on names a state, which needs a series", hint="Give --checkpoint NAME=PATH twice.")
    return gate


def only_reports(exit_zero: bool, *gate: str) -> bool:
    """Whether the current command lets everything pass. Of --exit-zero and a gate, what the command line says wins.

    Args:
        exit_zero: Whether --exit-zero is given.
        gate: The parameters that say what does not pass.

    Raises:
        UsageError: Both are given on the command line, or both by the environment.
    """
    from auditor.core.errors import UsageError

    context = click.get_current_context()
    given = [name for name in gate if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    if not exit_zero or not given:
        return exit_zero
    options = {parameter.name: parameter for parameter in context.command.params if isinstance(parameter, click.Option)}

    def here(name: str) -> bool:
        return context.get_parameter_source(name) is ParameterSource.COMMANDLINE

    named = [name for name in given if here(name)] or given
    if here("exit_zero") is any(map(here, given)):
        flags = " and ".join(flag_of(options[name]) for name in named)
        raise UsageError(f"--exit-zero lets everything pass, and {flags} not", hint="Leave one of the two out.")
    losing, winning = (given, ["exit_zero"]) if here("exit_zero") else (["exit_zero"], named)
    variables = " and ".join(variable_used(options[name]) or flag_of(options[name]) for name in losing)
    flags = " and ".join(flag_of(options[name]) for name in winning)
    current_console().note(f"{variables} from the environment not followed: {flags} on the command line wins")
    return here("exit_zero")


def command_line(context: click.Context) -> str:
    """The command that reproduces the figures: arguments, and the options of settings that were given."""
    words: list[str] = []
    arguments: list[str] = []
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params.get(name)
        if isinstance(parameter, click.Argument):
            arguments += [] if value is None else [str(value)]
        # Outputs, cache and gate change no figure.
        elif not isinstance(parameter, Option) or parameter.of in ("", "RunOptions"):
            continue
        elif context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            if isinstance(value, bool):
                words.append(flag_of(parameter) if value else max(parameter.secondary_opts, key=len))
                continue
            for item in value if isinstance(value, tuple) else (value,):
                words += [flag_of(parameter), "=".join(item) if isinstance(item, tuple) else str(item)]
    plain = not any(argument.startswith("-") for argument in arguments)
    words = [*arguments, *words] if plain else [*words, "--", *arguments]
    return shlex.join(["auditor", str(context.info_name), *words])
