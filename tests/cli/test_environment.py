"""Environment twins: every option of every command, which wins, and what a wrong value is told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from auditor.cli.environment import flag_of, variables_of
from auditor.cli.main import cli, run

ROOT = click.Context(cli)
COMMANDS = {name: command for name in cli.list_commands(ROOT) if (command := cli.get_command(ROOT, name)) is not None}
OPTIONS = [
    pytest.param(name, option, id=f"{name} {flag_of(option)}")
    for name, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("AUDITOR_"):
            monkeypatch.delenv(name)


def sample(option: click.Option) -> str:
    """A value the option takes and does not have by default."""
    kind: Any = getattr(option.type, "inner", option.type)
    if option.is_flag:
        return "0" if option.default is True else "1"
    if isinstance(kind, click.Choice):
        return str(kind.choices[-1])
    if isinstance(kind, click.FloatRange):
        return str((kind.min + kind.max) / 2)
    if isinstance(kind, click.IntRange):
        return str((kind.min or 0) + 77)
    if isinstance(kind, click.types.IntParamType):
        return "77"
    return "a=b" if option.metavar is not None and "=" in option.metavar else "evidence"


def words(option: click.Option, value: str) -> list[str]:
    """The same on the command line."""
    if not option.is_flag:
        return [flag_of(option), value]
    return [flag_of(option) if value == "1" else max(option.secondary_opts, key=len)]


def parse(name: str, arguments: list[str]) -> click.Context:
    """Parse without running, whatever else the command requires."""
    command = COMMANDS[name]
    others: list[str] = []
    for parameter in command.params:
        if not parameter.required:
            continue
        if isinstance(parameter, click.Argument):
            kind = parameter.type
            others.append(str(kind.choices[0]) if isinstance(kind, click.Choice) else "x")
        elif not {*parameter.opts} & {*arguments} and parameter.resolve_envvar_value(ROOT) is None:
            others += words(parameter, sample(parameter)) if isinstance(parameter, click.Option) else []
    return command.make_context(name, [*others, *arguments], parent=click.Context(cli))


def told(context: click.Context) -> dict[str, Any]:
    """What came of it, the options that no function is given too."""
    return {**context.params, **context.meta}


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_option_can_be_given_by_its_variable(
    name: str, option: click.Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = sample(option)
    with parse(name, words(option, value)) as context:
        by_flag = told(context)
    for variable in variables_of(name, option):
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)
            with parse(name, []) as context:
                assert told(context) == by_flag
    with parse(name, words(option, value) if option.required else []) as context:
        assert option.required or told(context) != by_flag


def test_a_variable_means_one_thing_wherever_it_is_read() -> None:
    means = defaultdict(set)
    for name, command in COMMANDS.items():
        for option in command.params:
            if isinstance(option, click.Option):
                for variable in variables_of(name, option):
                    means[variable].add(flag_of(option))
                    if variable.removeprefix("AUDITOR_").split("_")[0].lower() not in COMMANDS:
                        means[variable].add(f"{option.type.name}, {option.multiple}, {option.is_flag}")
    assert all(len({one for one in meanings if one.startswith("--")}) == 1 for meanings in means.values())
    assert all(len(meanings) <= 2 for meanings in means.values()), means


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("batch", "AUDITOR_OUTPUT"),
        ("batch", "AUDITOR_NAME"),
        ("batch", "AUDITOR_FAIL_ON"),
        ("batch", "AUDITOR_EXIT_ZERO"),
        ("doctor", "AUDITOR_MODEL"),
        ("report", "AUDITOR_OUTPUT"),
        ("check", "AUDITOR_CHECKPOINT"),
        ("check", "AUDITOR_RELEARN"),
        ("power", "AUDITOR_SEED"),
    ],
)
def test_no_command_takes_up_what_is_meant_for_another(
    name: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with parse(name, []) as context:
        before = told(context)
    monkeypatch.setenv(variable, "1")
    with parse(name, []) as context:
        assert told(context) == before


def seed(arguments: list[str]) -> Any:
    with parse("check", arguments) as context:
        return context.params["seed"]


def test_a_flag_wins_over_the_commands_variable_and_that_over_the_short_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_SEED", "1")
    assert seed([]) == 1
    monkeypatch.setenv("AUDITOR_CHECK_SEED", "2")
    assert seed([]) == 2
    assert seed(["--seed", "3"]) == 3


def test_an_empty_variable_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AUDITOR_SEED", "AUDITOR_OUTPUT", "AUDITOR_QUIET", "AUDITOR_FAIL_ON"):
        monkeypatch.setenv(variable, "")
    with parse("check", []) as context:
        assert context.params["seed"] == 0
        assert context.params["outputs"] == ()
        assert context.params["fail_on"] is None
        assert context.meta["auditor.console.quiet"] is False


@pytest.mark.parametrize(
    ("value", "several"),
    [
        ("one two", ("one", "two")),
        ("  one\n  two\n", ("one", "two")),
        ("'my model' other", ("my model", "other")),
        ('"it\'s" b#c', ("it's", "b#c")),
        ("C:\\models\\a hf:name:train", ("C:\\models\\a", "hf:name:train")),
        ("*.md $(id) `id` $HOME ~", ("*.md", "$(id)", "`id`", "$HOME", "~")),
    ],
)
def test_several_values_are_separated_by_white_space(
    value: str, several: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_REFERENCE", value)
    monkeypatch.setenv("AUDITOR_OUTPUT", value)
    with parse("check", []) as context:
        assert context.params["references"] == several
        assert context.params["outputs"] == tuple(map(Path, several))


def test_named_values_may_be_several_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_CHECKPOINT", "base=./base 'tuned=./my model'")
    with parse("forget", []) as context:
        assert context.params["checkpoints"] == (("base", "./base"), ("tuned", "./my model"))


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("AUDITOR_SEED", "x", "not a valid integer"),
        ("AUDITOR_SEED", "-1", "range"),
        ("AUDITOR_CHECK_DTYPE", "int8", "int8"),
        ("AUDITOR_RELEARN", "maybe", ""),
        ("AUDITOR_CHECK_RELEARN", "maybe", "boolean"),
        ("AUDITOR_FAIL_ON", " , ", "--exit-zero"),
        ("AUDITOR_REFERENCE", "'unclosed", "quotation"),
        ("AUDITOR_QUIET", "loud", "boolean"),
        ("AUDITOR_ALPHA", "nan", "policy.alpha"),
        ("AUDITOR_FAIL_ON", "evidense", "evidence"),
        ("AUDITOR_FAIL_ON", "fading", "needs a series"),
        ("AUDITOR_FEATURES", "min-k-21", "min-k-20"),
        ("AUDITOR_CHECK_RELEARN", "1", "needs a series"),
        ("AUDITOR_OUTPUT", "report.pdf", ".pdf"),
    ],
)
def test_a_wrong_value_names_its_variable(
    variable: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    assert run(["check", "suspect", "heldout", "--model", "x"]) == 2
    said = capsys.readouterr().err
    # What check does not read it does not complain about.
    assert (variable in said) is bool(says)
    assert says in said


def test_what_a_flag_has_overruled_is_not_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUDITOR_SEED", "x")
    assert run(["check", "suspect", "heldout", "--model", "x", "--seed", "-1"]) == 2
    assert "AUDITOR_SEED" not in capsys.readouterr().err


def test_quiet_and_verbose_contradict_each_other_unless_one_is_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def heard(arguments: list[str]) -> tuple[Any, Any]:
        with parse("check", arguments) as context:
            return context.meta.get("auditor.console.quiet"), context.meta.get("auditor.console.verbose")

    monkeypatch.setenv("AUDITOR_QUIET", "1")
    assert heard([]) == (True, False)
    assert heard(["-v"]) == (None, True)
    monkeypatch.setenv("AUDITOR_VERBOSE", "1")
    assert heard(["-q"]) == (True, None)
    assert run(["check", "a", "b", "--model", "x"]) == 2
    assert "contradict" in capsys.readouterr().err


def helps() -> Iterator[Any]:
    for name, command in COMMANDS.items():
        if any(isinstance(parameter, click.Option) for parameter in command.params):
            yield pytest.param(name, command, id=name)


@pytest.mark.parametrize(("name", "command"), list(helps()))
def test_the_help_says_how_variables_are_called(name: str, command: click.Command) -> None:
    text = " ".join(command.get_help(click.Context(command, info_name=name)).split())
    assert f"AUDITOR_{name.upper()}_OPTION" in text
    assert "white space" in text


def test_all_variables_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", "environment"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert ["AUDITOR_SEED", "check", "--seed"] in rows
    assert ["AUDITOR_BATCH_OUTPUT", "batch", "--output"] in rows
    assert len(rows) > 2 * len(OPTIONS) / 3
