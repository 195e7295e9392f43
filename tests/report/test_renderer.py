from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.core.errors import UsageError
from auditor.report.renderer import check_outputs, render, renderers, write_outputs
from auditor.results.io import load_result
from auditor.results.outcome import Outcome
from auditor.results.result import AuditResult

HEAVY = ("torch", "transformers", "datasets", "sklearn", "scipy", "peft")


def test_every_format_is_found() -> None:
    assert {"html", "json", "markdown", "text"} <= set(renderers())


def test_no_extension_belongs_to_two_formats() -> None:
    extensions = [extension for renderer in renderers().values() for extension in renderer.extensions]
    assert len(set(extensions)) == len(extensions)


@pytest.mark.parametrize("word", ["EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE"])
def test_every_format_says_the_verdict(make: Callable[..., AuditResult], word: Outcome) -> None:
    result = make(word, groups=12)
    for name in renderers():
        assert word in render(result, name)


def test_a_path_chooses_by_extension_whatever_its_case(evidence: AuditResult) -> None:
    assert render(evidence, Path("a/REPORT.MD")) == render(evidence, "report.markdown") == render(evidence, "markdown")


@pytest.mark.parametrize(("asked", "hint"), [("report.htm1", ".htm"), ("markdow", "markdown")])
def test_an_unknown_format_is_refused_with_a_hint(evidence: AuditResult, asked: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        render(evidence, asked)
    assert hint in refused.value.hint


def test_json_comes_back_the_same(hostile: AuditResult, evidence: AuditResult, tmp_path: Path) -> None:
    for result in (hostile, evidence):
        write_outputs(result, [tmp_path / "result.json"])
        assert load_result(tmp_path / "result.json") == result


def test_every_format_survives_what_may_be_absent(sparse: AuditResult, tmp_path: Path) -> None:
    paths = [tmp_path / f"r{extension}" for renderer in renderers().values() for extension in renderer.extensions]
    write_outputs(sparse, paths)
    assert all(path.stat().st_size > 300 for path in paths)


def test_folders_are_made_and_nothing_else_is_left(evidence: AuditResult, tmp_path: Path) -> None:
    write_outputs(evidence, [tmp_path / "new" / "deep" / "r.json", tmp_path / "r.md"])
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["r.json", "r.md"]


def test_one_bad_extension_stops_all_before_anything_is_written(evidence: AuditResult, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.pdf"):
        write_outputs(evidence, [tmp_path / "r.json", tmp_path / "r.pdf"])
    assert not list(tmp_path.iterdir())


def test_outputs_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.json").mkdir()
    for paths, what in (
        ([tmp_path / "noextension"], "no extension"),
        ([tmp_path / "folder.json"], "is a folder"),
        ([tmp_path / "file" / "r.json"], "no folder"),
        ([tmp_path / "r.json", tmp_path / "." / "r.json"], "twice"),
    ):
        with pytest.raises(UsageError, match=what):
            check_outputs(paths)
    check_outputs([tmp_path / "r.json", tmp_path / "not" / "yet" / "r.html"])
    assert not (tmp_path / "not").exists()


def test_rendering_again_needs_no_model_library(evidence: AuditResult, tmp_path: Path) -> None:
    write_outputs(evidence, [tmp_path / "r.json"])
    code = (
        "import sys; from pathlib import Path\n"
        "from auditor.report.renderer import write_outputs; from auditor.results.io import load_result\n"
        "folder = Path(sys.argv[1]); result = load_result(folder / 'r.json')\n"
        "write_outputs(result, [folder / name for name in ('r.html', 'r.md', 'r.txt', 'again.json')])\n"
        f"print([name for name in {HEAVY!r} + ('matplotlib.pyplot',) if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "r.json").read_bytes()
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == render(evidence, "html")
