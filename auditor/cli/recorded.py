"""The settings that a recorded command gives, read by the parsers that the command itself goes through."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from auditor.cli.environment import Option
from auditor.cli.plan_test import plan_test_options, plan_test_settings_of
from auditor.cli.run import check_options, forget_options, settings_of
from auditor.core.errors import UsageError
from auditor.dealt.settings import PlanTestSettings, make_plan_test_settings
from auditor.settings import AuditSettings, make_series_settings, make_settings
from auditor.verify.command import BatchCommand

REQUIRE_CONTROL = "--require-control"
"""The one option of a batch that changes settings of its audits."""


def batch_command(configuration: Path, *, require_control: bool) -> str:
    """The command line that is recorded of a batch."""
    return shlex.join(["auditor", "batch", str(configuration), *([REQUIRE_CONTROL] if require_control else [])])


def read_command(command: str) -> AuditSettings | PlanTestSettings | BatchCommand:
    """The settings of an audit that a command line or a call from Python runs; of a batch, its configuration.

    No variable of the environment is followed, and nothing is opened.

    Raises:
        UsageError: It is no command of `auditor` that runs an audit, or gives no settings.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if words[:1] == ["auditor"] and len(words) > 1:
        return _of_words(words[1], words[2:])
    return _of_call(command)


def settings_of_batch(
    configuration: Path, name: str, require_control: bool = False
) -> tuple[AuditSettings | PlanTestSettings, str]:
    """The settings of one audit of a batch, and the digest of its configuration.

    Raises:
        UsageError: The configuration is wrong, or has no audit of this name.
    """
    from auditor.batch.read import read_batch

    plan = read_batch(configuration, require_control=require_control)
    for audit in plan.audits:
        if audit.name == name:
            return audit.settings, plan.configuration_sha256
    raise UsageError(f"{str(configuration)!r} has no audit called {name!r}")


_COMMANDS: dict[
    str,
    tuple[
        Callable[[], list[click.Parameter]],
        Callable[[dict[str, Any]], dict[str, Any]],
        Callable[..., AuditSettings | PlanTestSettings],
    ],
] = {
    "check": (check_options, settings_of, make_settings),
    "forget": (forget_options, settings_of, make_series_settings),
    "test": (plan_test_options, plan_test_settings_of, make_plan_test_settings),
}
"""Of each command that runs an audit its options, its settings among their values, and what validates these."""


def _of_words(name: str, words: Sequence[str]) -> AuditSettings | PlanTestSettings | BatchCommand:
    if name == "batch" and words[1:] in ([], [REQUIRE_CONTROL]):
        return BatchCommand(words[0], require_control=len(words) > 1)
    if name not in _COMMANDS:
        raise UsageError(f"`auditor {name}` with {len(words)} words runs no audit")
    options, take_settings, make = _COMMANDS[name]
    recorded = [one for one in options() if not isinstance(one, Option) or one.of not in ("", "RunOptions")]
    command = click.Command(name, params=recorded, add_help_option=False)
    try:
        with command.make_context(name, list(words)) as context:
            return make(**take_settings(dict(context.params)))
    except click.ClickException as problem:
        raise UsageError(problem.format_message()) from problem


def _of_call(command: str) -> AuditSettings | PlanTestSettings | BatchCommand:
    from auditor.api import check_settings, forget_settings, plan_test_settings

    def batch(configuration: str, output: str) -> BatchCommand:
        return BatchCommand(configuration)

    calls: dict[str, Callable[..., AuditSettings | PlanTestSettings | BatchCommand]] = {
        "check": check_settings,
        "forget": forget_settings,
        "run_test": plan_test_settings,
        "run_batch": batch,
    }
    try:
        name, arguments, keywords = _parsed(command)
        return calls[name](*arguments, **keywords)
    except (SyntaxError, ValueError, TypeError, KeyError, RecursionError, MemoryError) as problem:
        raise UsageError("neither a command line of `auditor` nor a call of its Python functions") from problem


def _parsed(command: str) -> tuple[str, list[Any], dict[str, Any]]:
    """Name, arguments and keywords of `auditor.NAME(...)`; literals alone, so that nothing is run."""
    call = ast.parse(command, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        raise ValueError("no call")
    if not isinstance(call.func.value, ast.Name) or call.func.value.id != "auditor":
        raise ValueError("no call of auditor")
    keywords = [(keyword.arg, ast.literal_eval(keyword.value)) for keyword in call.keywords]
    return call.func.attr, list(map(ast.literal_eval, call.args)), {str(name): value for name, value in keywords}
