"""`auditor report` on what a whole batch came to; on single results see test_streams.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.batch import hostile_batch, one_of_each
from support.results import build

from auditor.batch.renderer import batch_renderers
from auditor.cli.main import run
from auditor.core.errors import UsageError
from auditor.report.renderer import renderers
from auditor.results.batch import BatchResult
from auditor.results.io import load_result, load_stored


@pytest.fixture(params=[one_of_each, hostile_batch])
def batch(request: pytest.FixtureRequest, tmp_path: Path) -> BatchResult:
    made: BatchResult = request.param()
    (tmp_path / "batch.json").write_text(batch_renderers()["json"].render(made), encoding="utf-8")
    return made


def test_a_batch_comes_back_and_is_rendered_as_it_was(
    batch: BatchResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tmp_path / "batch.json"
    assert load_stored(stored) == batch
    names = {"html": "i.html", "junit": "j.xml", "markdown": "s.md", "json": "again.json", "text": "t.txt"}
    assert names.keys() == batch_renderers().keys()
    outputs = [word for name in names.values() for word in ("-o", str(tmp_path / "new" / name))]
    assert run(["report", str(stored), *outputs]) == 0
    assert capsys.readouterr().out == ""
    for form, name in names.items():
        written = (tmp_path / "new" / name).read_text(encoding="utf-8")
        assert written == batch_renderers()[form].render(batch)
    assert (tmp_path / "new" / "again.json").read_bytes() == stored.read_bytes()


def test_a_batch_is_printed_as_text_or_as_asked(
    batch: BatchResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = str(tmp_path / "batch.json")
    for words, form in (([], "text"), (["--format", "markdown"], "markdown"), (["-o", "-"], "json")):
        assert run(["report", stored, *words]) == 0
        assert capsys.readouterr().out == batch_renderers()[form].render(batch)
    assert run(["report", stored, "-o", stored]) == 2
    assert "which is read" in capsys.readouterr().err
    assert run(["report", stored, "--format", "htm"]) == 2


def test_both_are_written_in_the_same_formats() -> None:
    single = {renderer.name: renderer.extensions for renderer in renderers().values()}
    assert {renderer.name: renderer.extensions for renderer in batch_renderers().values()} == single


def test_a_batch_is_not_taken_for_the_result_of_an_audit(batch: BatchResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a whole batch") as refused:
        load_result(tmp_path / "batch.json")
    assert "result.json" in refused.value.hint


def test_a_batch_that_was_edited_or_is_of_another_version_is_refused(
    batch: BatchResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tmp_path / "batch.json"
    whole = json.loads(stored.read_text(encoding="utf-8"))
    for changed, what in (
        ({"exit_code": 0}, "follows from the rest"),
        ({"schema_version": "9.0"}, "It was written by auditor 0.1"),
        ({"audits": [{}]}, "not a whole result"),
    ):
        stored.write_text(json.dumps(whole | changed), encoding="utf-8")
        assert run(["report", str(stored)]) == 2
        assert what in capsys.readouterr().err


def test_rendering_a_batch_again_needs_no_model_library(batch: BatchResult, tmp_path: Path) -> None:
    code = (
        "import sys; from auditor.cli.main import run; code = run(sys.argv[1:])\n"
        "heavy = ('torch', 'transformers', 'datasets', 'sklearn', 'matplotlib')\n"
        "sys.exit(code or any(name in sys.modules for name in heavy))"
    )
    words = ["report", str(tmp_path / "batch.json"), "-o", str(tmp_path / "i.html"), "-o", str(tmp_path / "j.xml")]
    subprocess.run([sys.executable, "-c", code, *words], check=True)


def test_a_single_result_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(renderers()["json"].render(build("EVIDENCE")), encoding="utf-8")
    assert load_stored(tmp_path / "r.json") == load_result(tmp_path / "r.json")
