"""`auditor test` on the command line, and what other commands make of its result."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from support.dealt import fake_scores, make_plan

from auditor.cli.main import run
from auditor.cli.recorded import read_command
from auditor.dealt.open import open_plan
from auditor.dealt.run import plan_test_call
from auditor.dealt.settings import make_plan_test_settings
from auditor.report.json_ import write_json


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan, and sealed scores that show something (`found.json`) and nothing (`nothing.json`)."""
    folder = tmp_path_factory.mktemp("made")
    opened = open_plan(str(make_plan(folder / "plan", units=300, decoys=19).path), 1)
    for name, effect in (("found", 100.0), ("nothing", 0.0)):
        (folder / f"{name}.json").write_text(write_json(fake_scores(opened, effect=effect)))
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, and the current one."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--scores", "found.json"], 1),
        (["--scores", "nothing.json"], 0),
        (["--scores", "nothing.json", "--required-auc", "0.51"], 3),
        (["--scores", "found.json", "--expect", "evidence"], 0),
        (["--scores", "nothing.json", "--expect", "evidence"], 1),
        (["--scores", "found.json", "--exit-zero"], 0),
        (["--scores", "found.json", "--fail-on", "inconclusive"], 0),
    ],
)
def test_the_exit_code_is_that_of_the_gate(words: list[str], code: int, here: Path) -> None:
    assert run(["test", "--plan", "plan", *words]) == code


def test_a_result_is_rendered_verified_and_bundled(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "--plan", "plan", "--scores", "found.json", "-o", "r.json", "-o", "r.html"]) == 1
    first = (here / "r.html").read_text()
    assert run(["report", "r.json", "-o", "again.html", "-o", "s.md"]) == 0
    assert (here / "again.html").read_text() == first
    assert run(["verify", "r.json", "--plan", "plan"]) == 0
    assert "VERIFIED: consistent with itself and with the opened batch" in capsys.readouterr().out
    assert run(["bundle", "r.json", "--reveal", "-o", "b.zip"]) == 0
    assert "opens batch 1" in capsys.readouterr().err
    assert run(["verify", "b.zip"]) == 0
    assert "passed      sealed" in capsys.readouterr().out
    tree = json.loads((here / "r.json").read_text())
    tree["p_paid"] = 0.5
    (here / "r.json").write_text(json.dumps(tree))
    assert run(["verify", "r.json"]) == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--scores", "found.json"], "no plan"),
        (["--plan", "plan"], "nothing to test"),
        (["--plan", "nowhere", "--scores", "found.json"], "it is no plan"),
        (["--plan", "plan", "--scores", "found.json", "--batch", "2"], "no batch 2"),
        (["--plan", "plan", "--export", "c.zip", "--blind", "c.zip"], "for the owner"),
        (["--plan", "plan", "--export", "c.json"], "as a .zip"),
        (["--plan", "plan", "--export", "plan/c.zip"], "lies in"),
        (["m", "--plan", "plan", "--export", "c.zip"], "alone"),
        (["m", "--plan", "plan", "--blind", "c.zip"], "without a plan"),
        (["m", "--blind", "c.zip", "-o", "s.html"], "one file of scores"),
        (["--blind", "c.zip", "-o", "s.json"], "no model to score with"),
        (["--plan", "plan", "--scores", "found.json", "--fail-on", "C"], "needs a series"),
        (["--plan", "plan", "--scores", "found.json", "-o", "plan/r.json"], "lies in"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    words: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["test", *words]) == 2
    assert says in capsys.readouterr().err


def test_the_recorded_command_gives_the_recorded_settings(here: Path) -> None:
    words = ["--plan", "plan", "--scores", "found.json", "--released", "2026-01-01", "--look", "3", "--exit-zero"]
    assert run(["test", *words, "-o", "r.json"]) == 0
    manifest = json.loads((here / "r.json").read_text())["manifest"]
    read = read_command(manifest["command"])
    assert read.model_dump(mode="json") == manifest["configuration"]  # type: ignore[union-attr]
    settings = make_plan_test_settings(model="m", plan="p", references=("a", "b"), seed=3, batch=2)
    assert read_command(plan_test_call(settings)) == settings


def test_other_commands_refuse_the_result_of_a_test_in_words(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["test", "--plan", "plan", "--scores", "found.json", "-o", "r.json"])
    capsys.readouterr()
    assert run(["verify", "r.json", "--data", "suspect=x"]) == 2
    assert "compared with its plan" in capsys.readouterr().err
    assert run(["verify", "r.json", "--plan", "plan", "--again"]) == 1
    assert "every model of the test: --model PATH is missing" in " ".join(capsys.readouterr().out.split())


@pytest.mark.model
def test_two_parties_score_and_open_with_a_model(
    here: Path, make_tiny_model: object, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_tiny_model(here / "tiny")  # type: ignore[operator]
    make_plan(here / "small", units=10, decoys=1)
    cache = ["--cache-dir", "cache"]
    assert run(["test", "--plan", "small", "--export", "c.zip"]) == 0
    assert run(["test", str(model), "--blind", "c.zip", "-o", "s.json", *cache]) == 0
    assert "before the coins are opened" in capsys.readouterr().err
    assert run(["test", "--plan", "small", "--scores", "s.json", "-o", "blind.json", "--exit-zero"]) == 0
    assert run(["test", str(model), "--plan", "small", "-o", "own.json", "--exit-zero", *cache]) == 0
    blind, own = (json.loads((here / name).read_text()) for name in ("blind.json", "own.json"))
    assert blind["p_value"] == own["p_value"]
    assert blind["measurements"]["scores"] == own["measurements"]["scores"]
    assert own["manifest"]["texts_from_store"] >= 20
    again = ["verify", "own.json", "--plan", "small", "--again", "--model"]
    assert run([*again, str(model)]) == 0
    assert "scores again, equal" in capsys.readouterr().out
    other = make_tiny_model(here / "other", seed=1)  # type: ignore[operator]
    assert run([*again, str(other)]) == 1
    assert "say something else of these candidates" in capsys.readouterr().out
