"""`auditor batch` end to end: one run of a small configuration, its streams, its folder and its exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import yaml
from support.texts import WORDS

import auditor
from auditor.cli.main import run
from auditor.results.io import load_result


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path) -> Path:
    """A folder with texts, a configuration and a store."""
    folder = tmp_path_factory.mktemp("work")
    rng = np.random.default_rng(0)
    for name in ("one", "two", "heldout"):
        (folder / name).mkdir()
        for number in range(24):
            text = " ".join(rng.choice(WORDS, size=25)).capitalize() + "."
            (folder / name / f"{number:03}.txt").write_text(text, encoding="utf-8")
    configuration = {
        "name": "nightly",
        "defaults": {"heldout": "heldout", "model": str(tiny_model_dir), "permutations": 499, "features": "loss"},
        "audits": [
            {"name": "first", "suspect": "one"},
            {"name": "second one", "suspect": "two", "fail-on": ["evidence"]},
        ],
    }
    (folder / "audits.yaml").write_text(yaml.safe_dump(configuration), encoding="utf-8")
    return folder


def batch(work: Path, *arguments: object) -> int:
    return run(["batch", str(work / "audits.yaml"), "--cache-dir", str(work / "cache"), *map(str, arguments)])


def test_a_batch_writes_its_folder_and_exits_by_its_worst(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(work)
    code = batch(work)
    printed = capsys.readouterr()
    out = work / "auditor-reports" / "audits"
    told = json.loads((out / "batch.json").read_text(encoding="utf-8"))
    assert code == 3
    assert told["name"] == "nightly"
    assert {"index.html", "junit.xml", "summary.md", "batch.json"} <= {path.name for path in out.iterdir()}
    assert "audit 1 of 2: first" in printed.err
    assert "audit 2 of 2: second one" in printed.err
    assert "audit 1 of 2" not in printed.out
    assert "nightly" in printed.out
    assert "\x1b" not in printed.out + printed.err
    first, second = (load_result(out / audit["folder"] / "result.json") for audit in told["audits"])
    assert (first.gate.fail_on, second.gate.fail_on) == (("evidence", "inconclusive"), ("evidence",))
    assert first.manifest.command == f"auditor batch {work / 'audits.yaml'}"

    # What a batch made of a result is what its figures give again.
    for audit in told["audits"]:
        assert run(["verify", str(out / audit["folder"] / "result.json")]) == 0
    capsys.readouterr()

    # Again, under another name and with open gates: nothing is run, and every output says the same.
    assert batch(work, "--exit-zero", "--name", "weekly", "-q") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "weekly" in printed.out
    told = json.loads((out / "batch.json").read_text(encoding="utf-8"))
    assert told["name"] == "weekly"
    assert {audit["gate"]["expect"] for audit in told["audits"]} == {"any"}
    assert "<failure" not in (out / "junit.xml").read_text(encoding="utf-8")


def gates(folder: Path) -> list[list[str]]:
    told = json.loads((folder / "batch.json").read_text(encoding="utf-8"))
    return [audit["gate"]["fail_on"] for audit in told["audits"]]


def test_fail_on_is_for_the_audits_that_say_nothing_themselves(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    assert batch(work, "-o", out, "--fail-on", "no-evidence") == 0
    assert gates(out) == [["no evidence"], ["evidence"]]
    # What is meant for single audits does not change what the file says.
    monkeypatch.setenv("AUDITOR_FAIL_ON", "no-evidence")
    monkeypatch.setenv("AUDITOR_EXIT_ZERO", "1")
    assert batch(work, "-o", out) == 3
    assert gates(out) == [["evidence", "inconclusive"], ["evidence"]]
    monkeypatch.setenv("AUDITOR_BATCH_EXIT_ZERO", "1")
    capsys.readouterr()
    assert batch(work, "-o", out, "--fail-on", "inconclusive") == 3
    assert gates(out) == [["inconclusive"], ["evidence"]]
    assert "AUDITOR_BATCH_EXIT_ZERO from the environment not followed: --fail-on" in capsys.readouterr().err
    assert batch(work, "-o", out) == 0
    assert gates(out) == [[], []]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--fail-on", "evidense"), "evidence"),
        (("--fail-on", "fading"), "--fail-on names state D, which needs checkpoints"),
        (("--fail-on", "evidence", "--exit-zero"), "--exit-zero lets everything pass"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_a_usage_error(
    arguments: tuple[str, ...], says: str, work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert batch(work, "-o", tmp_path / "out", *arguments) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_same_from_python(work: Path, tmp_path: Path) -> None:
    found = auditor.run_batch(work / "audits.yaml", tmp_path / "out", cache_dir=work / "cache")
    assert isinstance(found, auditor.BatchResult)
    assert (found.name, found.exit_code, [audit.status for audit in found.audits]) == (
        "nightly",
        3,
        ["failed", "passed"],
    )
    assert found.audits[0].finding is not None
    result = load_result(tmp_path / "out" / found.audits[0].finding.result)
    assert result.manifest.command.startswith("auditor.run_batch(")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-o", "-", "-o", "-"), "named twice"),
        (("-o", "a", "-o", "b"), "one folder"),
        (("-o", ""), "empty name"),
        (("--output=",), "empty name"),
        (("-o", "one"), "which is read"),
        (("-o", "audits.yaml"), "no folder"),
        (("--name", ""), "has 0 characters"),
        (("--name", "x" * 101), "has 101 characters"),
        (("--name", "caf\udce9"), "cannot be seen"),
        (("--name", "two\nlines"), "cannot be seen"),
    ],
)
def test_wrong_outputs_and_names_are_usage_errors(
    arguments: tuple[str, ...],
    says: str,
    work: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(work)
    assert batch(work, *arguments) == 2
    assert says in capsys.readouterr().err


def test_json_goes_to_stdout_where_it_is_asked_for(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert batch(work, "-o", "-", "-o", "out") == 3
    printed = capsys.readouterr()
    assert printed.out == (tmp_path / "out" / "batch.json").read_text(encoding="utf-8")
    assert "FAILED: nightly" in printed.err
    assert batch(work, "-q", "-o", "-") == 3
    printed = capsys.readouterr()
    assert printed.out == (tmp_path / "auditor-reports" / "audits" / "batch.json").read_text(encoding="utf-8")
    assert printed.err == ""


def test_an_interrupted_batch_says_how_to_go_on(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("auditor.batch.kinds.run_audit", stop)
    assert batch(work, "-o", tmp_path / "out") == 130
    assert "run the same command again" in capsys.readouterr().err
    monkeypatch.undo()
    assert batch(work, "-o", tmp_path / "out") == 3


def test_a_configuration_whose_path_is_no_text(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in every output, so it is refused before anything is scored; by a name that is text it can be read."""
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        strange.mkdir()
    except OSError:
        pytest.skip("the file system takes text only")
    written = (work / "audits.yaml").read_text(encoding="utf-8")
    for side in ("one", "two", "heldout"):
        written = written.replace(f": {side}\n", f": {work / side}\n")
    (strange / ("a" * 120 + ".yaml")).write_text(written.replace("name: nightly\n", ""), encoding="utf-8")
    cache = ["--cache-dir", str(work / "cache")]
    assert run(["batch", str(strange / ("a" * 120 + ".yaml")), *cache]) == 2
    assert "no text in UTF-8" in capsys.readouterr().err
    assert run(["validate", str(strange / ("a" * 120 + ".yaml"))]) == 2
    monkeypatch.chdir(strange)
    assert run(["batch", "a" * 120 + ".yaml", *cache, "-o", "out"]) == 3
    told = json.loads((strange / "out" / "batch.json").read_text(encoding="utf-8"))
    assert len(told["name"]) == 100
    assert run(["batch", "a" * 120 + ".yaml", *cache, "-o", "out"]) == 3
