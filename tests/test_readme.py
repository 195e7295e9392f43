"""What the README shows is what happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import click
import pytest
from support.paths import ROOT

from auditor.cli.main import cli
from auditor.features.catalogue import feature_sets
from auditor.membership.guards.guard import all_guards, guard_alphas
from auditor.results.forgetting.states import STATES
from auditor.results.outcome import EXIT_CODES
from auditor.results.policy import Policy

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(monkeypatch: pytest.MonkeyPatch, sample_cache: Path) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("AUDITOR_CACHE_DIR", str(sample_cache))
    found = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert found.attempted >= 3
    assert found.failed == 0


def options() -> set[str]:
    """Every option of every command."""
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in cli.list_commands(context)]
    found = [parameter for command in commands if command is not None for parameter in command.params]
    return {option for parameter in found for option in (*parameter.opts, *parameter.secondary_opts)}


def test_every_option_it_names_exists() -> None:
    known = options()
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))
    assert named <= known


def test_examples_in_the_help_stand_on_lines_of_their_own() -> None:
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        told = command.get_help(click.Context(command, info_name=name))
        assert "\\b" not in told
        assert "\b" not in told
        assert told.count(f"auditor {name} ") <= 1 + told.count(f"\n    auditor {name} ")


def test_its_table_of_guards_is_complete_and_gives_the_levels() -> None:
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| ([\d.]+|exact|after a rejection) \|$", README, flags=re.MULTILINE))
    assert list(rows) == [guard.name for guard in all_guards()]
    for name, level in guard_alphas(Policy()).items():
        assert float(rows[name]) == level


def test_the_feature_sets_it_names_exist() -> None:
    assert {"default", "llm-di"} <= set(feature_sets())


def test_every_option_a_message_names_exists() -> None:
    known = options() | {"--help", "--output"}
    for path in (ROOT / "auditor").rglob("*.py"):
        # The names of colours in a style sheet look like options.
        if "figures" not in path.parts and path.name != "figure.py":
            assert set(re.findall(r"(?<![\w`-])--[a-z][a-z-]+", path.read_text(encoding="utf-8"))) <= known, path.name


def test_its_table_of_states_is_complete() -> None:
    rows = re.findall(r"^\| ([A-Z]) ([a-z -]+) \|.*\| (\d) \|$", README, flags=re.MULTILINE)
    assert sorted(rows) == sorted((kind.code, kind.name, str(EXIT_CODES[kind.outcome])) for kind in STATES.values())
