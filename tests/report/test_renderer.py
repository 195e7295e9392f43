from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import RunError, UsageError
from auditor.report.renderer import check_outputs, load_result, render, renderers, write_outputs
from auditor.result import SCHEMA_VERSION, AuditResult, Word

HEAVY = ("torch", "transformers", "datasets", "sklearn", "scipy", "peft")


def test_every_format_is_found() -> None:
    assert {"html", "json", "markdown", "text"} <= set(renderers())


def test_no_extension_belongs_to_two_formats() -> None:
    extensions = [extension for renderer in renderers().values() for extension in renderer.extensions]
    assert len(set(extensions)) == len(extensions)


@pytest.mark.parametrize("word", ["EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE"])
def test_every_format_says_the_verdict(make: Callable[..., AuditResult], word: Word) -> None:
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


def test_a_link_is_written_through(evidence: AuditResult, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "there" / "r.json")
    write_outputs(evidence, [link])
    assert link.is_symlink()
    assert load_result(tmp_path / "there" / "r.json") == evidence


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


def test_a_broken_write_leaves_the_old_file_whole(
    evidence: AuditResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"r\.json.*No space left"):
        write_outputs(evidence, [target])
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_bad_files_are_named_with_their_place(evidence: AuditResult, tmp_path: Path) -> None:
    whole = json.loads(render(evidence, "json"))
    path = tmp_path / "result.json"
    bad_guard = whole["guards"][0] | {"status": "maybe", "colour": "red"}
    for content, words in (
        ('{"schema_version": "1.0",\n oops}', ["result.json:2:2", "not JSON"]),
        ("[]", ["schema_version"]),
        ('{"x": NaN}', ["NaN"]),
        ("[" * 100_000, ["not a result"]),
        (json.dumps(whole | {"schema_version": "2.0"}), ["'2.0'", SCHEMA_VERSION, "auditor 0.1.0"]),
        (json.dumps(whole | {"surprise": 1}), ["surprise"]),
        (json.dumps(whole | {"guards": [bad_guard]}), ["guards.0.status", "guards.0.colour"]),
        (json.dumps({key: value for key, value in whole.items() if key != "verdict"}), ["verdict", "required"]),
    ):
        path.write_text(content)
        with pytest.raises(UsageError) as refused:
            load_result(path)
        assert all(word in str(refused.value) for word in ["result.json", *words]), refused.value


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xe9"}')
    for path, words in (
        (tmp_path / "none.json", "cannot read"),
        (tmp_path, "cannot read"),
        (tmp_path / "latin.json", "utf-8"),
    ):
        with pytest.raises(UsageError, match=words):
            load_result(path)


def test_rendering_again_needs_no_model_library(evidence: AuditResult, tmp_path: Path) -> None:
    write_outputs(evidence, [tmp_path / "r.json"])
    code = (
        "import sys; from pathlib import Path; from auditor.report.renderer import load_result, write_outputs\n"
        "folder = Path(sys.argv[1]); result = load_result(folder / 'r.json')\n"
        "write_outputs(result, [folder / name for name in ('r.html', 'r.md', 'r.txt', 'again.json')])\n"
        f"print([name for name in {HEAVY!r} + ('matplotlib.pyplot',) if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "r.json").read_bytes()
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == render(evidence, "html")
