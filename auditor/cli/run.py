"""What `check` and `forget` do once they know what is asked: run, write, print, and exit as the gate says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from auditor.cli.console import current_console, print_document, print_result
from auditor.cli.environment import flag_of, variable_used
from auditor.cli.options import to_stdout

if TYPE_CHECKING:
    from auditor.results.gate import Expect, Gate
    from auditor.settings import AuditSettings

_SERIES = ("checkpoints", "general", "placebo", "relearn", "layers", "tasks", "label_column", "label_template")


def series_settings(asked: dict[str, Any]) -> dict[str, Any] | None:
    """Take what is asked about forgetting out of a command's parameters; None where nothing is.

    Raises:
        UsageError: Something is asked about forgetting without a series.
    """
    from auditor.core.errors import UsageError

    context = click.get_current_context()
    given = take(asked, _SERIES)
    if given["checkpoints"]:
        given["label_template"] = given["label_template"].replace("\\n", "\n").replace("\\t", "\t")
        return given
    stray = [name for name in given if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
    if stray:
        flag = next(flag_of(p) for p in context.command.params if p.name == stray[0])
        raise UsageError(
            f"{flag} asks about forgetting, which needs a series", hint="Give --checkpoint NAME=PATH twice."
        )
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
    from auditor.results.gate_outcome import evaluate_gate
    from auditor.settings import inputs_of, make_options

    voice = current_console()
    options = make_options(
        name=name,
        command=_command_line(click.get_current_context()),
        cache_dir=cache_dir,
        gate=_gate(settings, **gate),
    )
    as_json, files = to_stdout(outputs)
    check_outputs(files, inputs=inputs_of(settings))
    with make_progress() as progress:
        result = run_audit(settings, options, progress=progress)
    write_outputs(result, files)
    if as_json:
        voice.note(render(result, "text"))
        print_document(render(result, "json"))
    else:
        print_result(render(result, "text"))
    for path in files:
        voice.note(f"wrote {path}")
    return evaluate_gate(result).exit_code


def _gate(
    settings: AuditSettings,
    *,
    expect: Expect | None,
    fail_on: tuple[str, ...] | None,
    exit_zero: bool,
) -> Gate:
    """What makes CI red, from a command's options.

    Raises:
        UsageError: A word is unknown, two options contradict each other, or a state is named without a series.
    """
    from auditor.core.errors import UsageError
    from auditor.results.gate import make_gate

    if only_reports(exit_zero, "expect", "fail_on"):
        return make_gate("any", ())
    gate = make_gate(expect, fail_on)
    if settings.series is None and any(word.startswith("state ") for word in gate.fail_on):
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

    said = [name for name in given if here(name)] or given
    if here("exit_zero") is any(map(here, given)):
        flags = " and ".join(flag_of(options[name]) for name in said)
        raise UsageError(f"--exit-zero lets everything pass, and {flags} not", hint="Leave one of the two out.")
    losing, winning = (given, ["exit_zero"]) if here("exit_zero") else (["exit_zero"], said)
    variables = " and ".join(variable_used(options[name]) or flag_of(options[name]) for name in losing)
    flags = " and ".join(flag_of(options[name]) for name in winning)
    current_console().note(f"{variables} from the environment not followed: {flags} on the command line wins")
    return here("exit_zero")


def take(asked: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Take some of a command's parameters out of the others."""
    return {name: asked.pop(name) for name in names}


RUN = ("outputs", "name", "cache_dir", "expect", "fail_on", "exit_zero")
"""Parameters of `run_and_report`."""
POLICY = ("alpha", "required_auc")
"""Parameters that are thresholds."""


# Where an audit writes and how it exits do not belong to what reproduces it.
_NOT_REPRODUCED = frozenset(RUN)
_NAMED = frozenset({"checkpoints", "tasks"})


def _command_line(context: click.Context) -> str:
    """The command that reproduces the figures: arguments, and the options that were given."""
    words = ["auditor", str(context.info_name)]
    for parameter in context.command.params:
        name = str(parameter.name)
        if name not in context.params:
            continue
        value = context.params[name]
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif name not in _NOT_REPRODUCED and context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            flag = flag_of(parameter)
            if value is True:
                words.append(flag)
            elif value is False:
                words.append(max(parameter.secondary_opts, key=len))
            elif name in _NAMED:
                words += [word for pair in value for word in (flag, "=".join(pair))]
            else:
                for item in value if isinstance(value, tuple) else (value,):
                    words += [flag, str(item)]
    return shlex.join(words)
