"""Names of files begin no line of a message and are no command of a CI runner on any stream."""

from __future__ import annotations

from pathlib import Path

import pytest
from core.test_visible import INVISIBLE, acts

from auditor.cli.main import run
from auditor.core.text import visible

NAMES = ["x\n::error::forged", "::error::forged", "##[error]x", f"x{INVISIBLE}\x1b[2J"]
COMMANDS = {
    "verify": ["verify", "NAME"],
    "report": ["report", "NAME", "-o", "a.html"],
    "bundle": ["bundle", "NAME", "-o", "a.zip"],
    "validate": ["validate", "NAME"],
    "batch": ["batch", "NAME"],
    "check": ["check", "NAME", "NAME", "--model", "NAME"],
    "option": ["check", "a", "b", "--model", "m", "--device", "NAME"],
    "flag": ["check", "--NAME"],
    "command": ["NAME"],
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_hostile_name_in_an_error_is_harmless(
    words: list[str], name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([word.replace("NAME", name) for word in words]) != 0
    printed = capsys.readouterr()
    lines = (printed.out + printed.err).split("\n")
    assert not any(map(acts, lines))
    assert not any(line.startswith("forged") for line in lines)
    assert all(visible(line) == line for line in lines)


@pytest.mark.parametrize("name", ["x\n::error::forged.json", "::error::forged.json", "##[error]x.json"])
def test_a_hostile_name_of_an_unreadable_file_is_harmless(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / name).write_text("{")
    assert run(["verify", name]) == 2
    printed = capsys.readouterr()
    assert not any(map(acts, printed.err.split("\n")))
    assert printed.err.count("\n") == 2
