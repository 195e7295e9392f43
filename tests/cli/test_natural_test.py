"""`auditor test` without a plan on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.natural import shuffled_rows, write_identifiers, write_rows

from auditor.cli.main import run
from auditor.cli.recorded import read_command
from auditor.dealt.run import plan_test_call
from auditor.dealt.settings import make_plan_test_settings


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a shuffled and a sorted file and documents with identifiers."""
    monkeypatch.chdir(tmp_path)
    rows = shuffled_rows()
    write_rows(tmp_path / "rows.jsonl", rows)
    write_rows(tmp_path / "sorted.jsonl", sorted(rows, key=lambda row: str(row["text"])))
    write_identifiers(tmp_path / "src", 20)
    return tmp_path


def test_a_sorted_file_is_rendered_verified_and_bundled(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["test", "no-model", "--order", "sorted.jsonl", "--shard", "4", "-o", "r.json", "-o", "r.html"]) == 3
    assert "the file is sorted in pieces by the text" in " ".join(capsys.readouterr().out.split())
    first = (here / "r.html").read_text()
    assert run(["report", "r.json", "-o", "again.html", "-o", "s.md", "-o", "s.xml"]) == 0
    assert (here / "again.html").read_text() == first
    assert run(["verify", "r.json", "--data", "order=sorted.jsonl"]) == 0
    assert run(["verify", "r.json", "--data", "order=rows.jsonl"]) == 1
    assert run(["bundle", "r.json", "-o", "b.zip"]) == 0
    assert run(["verify", "b.zip"]) == 0
    capsys.readouterr()
    assert run(["verify", "r.json", "--plan", "plan"]) == 2
    assert "compared with --data order=PATH" in capsys.readouterr().err
    manifest = json.loads((here / "r.json").read_text())["manifest"]
    read = read_command(manifest["command"])
    assert read.model_dump(mode="json") == manifest["configuration"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--order", "rows.jsonl", "--identifiers", "src"], "one material"),
        (["--order", "rows.jsonl", "--plan", "plan"], "one material"),
        (["--order", "rows.jsonl", "--look", "2"], "--look: no option of a test by --order"),
        (["--identifiers", "src", "--sequential"], "--sequential: no option of a test by --identifiers"),
        (["--order", "nowhere.jsonl"], "is no file"),
        (["--order", "src"], "is no file"),
        (["--order", "rows.jsonl", "--field", "question"], "no text in 'question'"),
        (["--identifiers", "nowhere"], "nowhere"),
        (["--order", "rows.jsonl", "-o", "rows.jsonl"], "rows.jsonl"),
        (["--order", "rows.jsonl", "--export", "c.zip"], "alone"),
        (["--order", "rows.jsonl", "--blind", "c.zip", "-o", "s.json"], "without a plan"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(
    words: list[str], says: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["test", "m", *words]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_a_call_gives_its_settings() -> None:
    settings = make_plan_test_settings(model="m", order="f.csv", field="question", shard=4, references=("a",))
    assert read_command(plan_test_call(settings)) == settings


@pytest.mark.model
def test_a_model_is_scored_and_scored_again(
    here: Path, make_tiny_model: object, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(make_tiny_model(here / "tiny"))  # type: ignore[operator]
    cache = ["--cache-dir", "cache", "--exit-zero"]
    words = ["--order", "rows.jsonl", "--shard", "3", "--orders", "2"]
    assert run(["test", model, *words, *cache, "-o", "o.json"]) == 0
    made = json.loads((here / "o.json").read_text())
    assert (made["units_scored"], made["verdict"]["validity_class"]) == (46, "B")
    assert made["p_value"] > 0.001
    again = ["--model", model, "--again"]
    assert run(["verify", "o.json", "--data", "order=rows.jsonl", *again]) == 0
    assert "passed      rescoring" in capsys.readouterr().out
    assert run(["test", model, "--identifiers", "src", *cache, "-o", "i.json"]) == 0
    found = json.loads((here / "i.json").read_text())
    assert (found["units_scored"], found["verdict"]["validity_class"]) == (20, "A")
    assert found["p_value"] > 0.001
