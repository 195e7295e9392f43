"""A recorded command gives the recorded settings: it is read by the parser that would run it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from auditor.audit.multiplicity import apply_correction
from auditor.audit.provenance import python_call
from auditor.cli.main import _command, run
from auditor.cli.recorded import batch_command, read_command, settings_of_batch
from auditor.cli.run import command_line, settings_of
from auditor.core.errors import UsageError
from auditor.inference.batch_correction import correct, correction_entry
from auditor.report.renderer import write_outputs
from auditor.results.io import with_content_digest
from auditor.results.result import AuditResult
from auditor.settings import AuditSettings, make_series_settings, make_settings
from auditor.verify.checks.command import command as command_check
from auditor.verify.command import BatchCommand, CommandReader
from auditor.verify.subject import Subject
from auditor.verify.text import render_text

SERIES = ["--checkpoint", "base=a=b", "--checkpoint", "tuned=./b c"]
CHECKS = [
    ["s", "h", "-m", "m"],
    ["s", "h", "-m", "m", "--alpha", "0.05", "--required-auc", "0.7", "--seed", "3", "-o", "r.json", "--exit-zero"],
    ["--", "-s", "--h"],
    ["it's", "two words", "-m", "-m", "--reference", "a", "--reference", "b;c", "--group-column", "--x", "--reveal"],
    ["s", "h", "-m", "m", "--feature", "loss,zlib"],
    ["s", "h", "-m", "m", *SERIES, "--no-layers", "--relearn", "--label-template", "{text}\\n-> {label}"],
    [
        "s\nx",
        "h$(x)",
        "-m",
        "hf:m",
        "--limit",
        "3",
        "--device",
        "cuda:1",
        "--dtype",
        "float16",
        "--permutations",
        "999",
    ],
]
FORGETS = [
    ["s", "h", *SERIES],
    ["s", "h", *SERIES, "--general", "g", "--placebo", "p", "--relearn", "--task", "t=x", "--label-column", "y"],
]


def recorded(name: str, words: list[str]) -> tuple[str, AuditSettings]:
    """What is recorded of a command, and its settings."""
    if words[0] == "--":
        words = ["-m", "m", *words]
    words = ["--features" if word == "--feature" else word for word in words]
    make = make_settings if name == "check" else make_series_settings
    with _command(name).make_context(name, words) as context:
        return command_line(context), make(**settings_of(dict(context.params)))


WORDS = [*(("check", words) for words in CHECKS), *(("forget", words) for words in FORGETS)]


@pytest.mark.parametrize(("name", "words"), WORDS)
def test_a_recorded_command_gives_the_settings_it_was_run_with(
    name: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line, settings = recorded(name, words)
    monkeypatch.setenv("AUDITOR_SEED", "99")
    monkeypatch.setenv("AUDITOR_CHECK_ALPHA", "0.3")
    assert read_command(line) == settings
    assert read_command(python_call(settings)) == settings


def test_variables_are_part_of_the_recorded_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_SEED", "99")
    line, settings = recorded("check", ["s", "h", "-m", "m"])
    monkeypatch.delenv("AUDITOR_SEED")
    assert read_command(line) == settings
    assert settings.seed == 99


@pytest.mark.parametrize("command", ["auditor batch a.yaml", "auditor.run_batch('a.yaml', 'out')"])
def test_the_command_of_a_batch_names_its_configuration(command: str) -> None:
    assert read_command(command) == BatchCommand("a.yaml")


@pytest.mark.parametrize("required", [False, True])
def test_a_batch_that_requires_a_control_of_every_audit_says_so_in_its_command(
    required: bool, small: AuditResult
) -> None:
    """The configuration need not say so; else the settings of a sound result would not be those of its command."""
    command = batch_command(Path("a b.yaml"), require_control=required)
    assert read_command(command) == BatchCommand("a b.yaml", require_control=required)
    settings = make_settings(**small.manifest.configuration)

    def read(path: Path, name: str, required: bool) -> tuple[AuditSettings, str]:
        return settings.model_copy(update={"require_control": required}), "0" * 64

    reader = CommandReader(read_command, read, Path("a"))
    for stored in (False, True):
        result = corrected(small)
        configuration = {**result.manifest.configuration, "require_control": stored}
        manifest = result.manifest.model_copy(update={"command": command, "configuration": configuration})
        subject = Subject(result.model_copy(update={"manifest": manifest}), b"", reader=reader)
        answer = command_check.run(subject)
        assert answer is not None
        assert answer.status == ("passed" if stored == required else "failed")


STRANGE = [
    "",
    "auditor",
    "auditor check",
    "auditor check s h --help",
    "auditor check s h -m m --alpha x",
    "auditor check s h -m m -o /tmp/x",
    "auditor check s h -m m; rm -rf /",
    "auditor verify r.json",
    "auditor batch a.yaml --fail-on evidence",
    "rm -rf /",
    "auditor check 's",
    "auditor.check('s', 'h', model=open('x'))",
    "auditor.check('s', 'h', model=__import__('os').getcwd())",
    "auditor.check(*['s', 'h'], model='m')",
    "auditor.check('s', 'h', model='m', **{'seed': 1})",
    "auditor.check('s', 'h', model='m', nothing=1)",
    "auditor.check('s')",
    "auditor.api.check('s', 'h', model='m')",
    "other.check('s', 'h', model='m')",
    "(" * 5_000,
    "auditor.check('\0', 'h', model=-'m')",
]


@pytest.mark.parametrize("command", STRANGE)
def test_what_runs_no_audit_is_refused_and_nothing_is_run(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageError):
        read_command(command)
    assert capsys.readouterr() == ("", "")


def with_command(result: AuditResult, command: str) -> AuditResult:
    return with_content_digest(
        result.model_copy(update={"manifest": result.manifest.model_copy(update={"command": command})})
    )


def test_a_command_that_does_not_give_the_configuration_is_a_finding(
    small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.json"
    other = python_call(make_settings(**{**small.manifest.configuration, "seed": 5}))
    for command in (other, small.manifest.command.replace("99", "999"), "auditor batch a.yaml", "an audit of mine"):
        write_outputs(with_command(small, command), [path])
        assert run(["verify", str(path)]) == 1
        printed = capsys.readouterr().out
        assert "failed      command" in printed
        assert printed.splitlines()[-1] == "NOT VERIFIED: command"
    write_outputs(with_command(small, other), [path])
    run(["verify", str(path)])
    assert "manifest.configuration.seed: stored 0, should be 5" in capsys.readouterr().out


def test_a_number_of_the_configuration_that_is_written_as_text_is_found(small: AuditResult, tmp_path: Path) -> None:
    write_outputs(small, [tmp_path / "r.json"])
    tree = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    tree["manifest"]["configuration"]["policy"]["alpha"] = "0.01"
    (tmp_path / "r.json").write_text(json.dumps(tree), encoding="utf-8")
    assert run(["verify", str(tmp_path / "r.json")]) == 1


def corrected(result: AuditResult) -> AuditResult:
    """The result as one of a batch of its own, and the command of that batch."""
    (correction,) = correct([correction_entry(result)], "holm")
    return with_command(apply_correction(result, correction), "auditor batch a.yaml")


@pytest.mark.parametrize(("given", "status"), [(None, "not asked"), (0, "passed"), (5, "failed")])
def test_the_settings_of_a_batch_are_read_from_its_configuration(
    given: int | None, status: str, small: AuditResult
) -> None:
    settings = make_settings(**{**small.manifest.configuration, "seed": given or 0})
    configuration = None if given is None else Path("a")
    reader = CommandReader(read_command, lambda path, name, required: (settings, "0" * 64), configuration)
    subject = Subject(corrected(small), b"", reader=reader)
    answers = {"command": command_check.run(subject)}
    assert answers["command"] is not None
    assert answers["command"].status == status
    printed = " ".join(render_text(subject, {"command": answers["command"]}).split())
    assert ("Nothing in the file shows that the configuration of the batch" in printed) is (given is None)


def test_a_configuration_gives_the_settings_of_an_audit_by_its_name(audit_folder: Path, tmp_path: Path) -> None:
    sides = "".join(f"  {side}: {audit_folder / side}.jsonl\n" for side in ("suspect", "heldout"))
    text = f"defaults:\n{sides}  model: {audit_folder / 'model'}\naudits:\n- name: one\n  seed: 4\n- name: two\n"
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    settings, sha256 = settings_of_batch(tmp_path / "a.yaml", "one")
    assert (settings.seed, settings.require_control) == (4, False)
    assert sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert settings_of_batch(tmp_path / "a.yaml", "one", require_control=True)[0].require_control
    with pytest.raises(UsageError, match="no audit called 'three'"):
        settings_of_batch(tmp_path / "a.yaml", "three")
