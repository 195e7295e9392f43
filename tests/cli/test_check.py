"""The command line end to end on a tiny model: outputs, exit codes, and what bad input is told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.texts import WORDS

from auditor.cli.main import run
from auditor.results.io import load_result
from auditor.results.summary import evaluate_gate


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of forty texts each from one source."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("data")
    for side in ("suspect", "heldout"):
        (folder / side).mkdir()
        for number in range(40):
            text = " ".join(rng.choice(WORDS, size=40)).capitalize() + "."
            (folder / side / f"{number:03}.txt").write_text(text, encoding="utf-8")
    return folder / "suspect", folder / "heldout"


def check(*arguments: object, cache: Path) -> int:
    return run(["check", *map(str, arguments), "--cache-dir", str(cache), "--permutations", "199"])


def test_an_audit_writes_every_output_and_prints_the_verdict(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = [tmp_path / "deep" / name for name in ("r.html", "r.json", "r.md")]
    asked = [option for path in outputs for option in ("-o", path)]
    code = check(*sides, "--model", tiny_model_dir, "--procedure", "llm-di", *asked, cache=cache)
    printed = capsys.readouterr()
    result = load_result(outputs[1])
    assert code == result.exit_code == 3
    assert result.verdict.outcome in printed.out
    assert "\x1b" not in printed.out + printed.err
    assert all(path.stat().st_size > 500 for path in outputs)
    assert [procedure.name for procedure in result.procedures] == ["llm-di"]
    assert result.suspect.documents == result.heldout.documents == 40
    assert len(result.documents) == len(result.group_scores) == 80
    assert not list(outputs[0].parent.glob(".*"))
    assert str(sides[0]) in result.manifest.command
    assert "--procedure llm-di" in result.manifest.command


def test_a_second_run_scores_nothing_and_gives_the_same_figures(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(*sides, "--model", tiny_model_dir, "-o", tmp_path / "one.json", cache=cache)
    capsys.readouterr()
    check(*sides, "--model", tiny_model_dir, "-o", tmp_path / "two.json", cache=cache)
    assert "scoring" not in capsys.readouterr().err
    one, two = (load_result(tmp_path / f"{name}.json") for name in ("one", "two"))
    assert two.manifest.texts_scored == 0
    same = {"manifest", "content_sha256"}
    assert one.model_dump(exclude=same) == two.model_dump(exclude=same)
    assert one.manifest.configuration_sha256 == two.manifest.configuration_sha256


def test_same_named_files_on_both_sides_are_different_groups(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path
) -> None:
    check(*sides, "--model", tiny_model_dir, "-o", tmp_path / "r.json", cache=cache)
    result = load_result(tmp_path / "r.json")
    assert result.membership.groups_suspect == result.membership.groups_heldout == 40
    assert len({score.group for score in result.group_scores}) == 80
    assert next(guard for guard in result.guards if guard.name == "overlap").status == "passed"


def test_texts_are_shown_only_when_revealed(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path
) -> None:
    first = next(iter(sides[0].iterdir())).read_text(encoding="utf-8")
    for reveal in (False, True):
        outputs = [tmp_path / f"{reveal}.{extension}" for extension in ("html", "json", "md")]
        asked = [option for path in outputs for option in ("-o", path)]
        check(*sides, "--model", tiny_model_dir, *asked, *(["--reveal"] if reveal else []), cache=cache)
        shown = [first[:60] in path.read_text(encoding="utf-8") for path in outputs]
        assert shown[1] is reveal
        if not reveal:
            assert not any(shown)


def test_fail_on_and_exit_zero_choose_the_exit_code(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path
) -> None:
    assert check(*sides, "--model", tiny_model_dir, cache=cache) == 3
    assert check(*sides, "--model", tiny_model_dir, "--fail-on", "evidence", cache=cache) == 0
    assert check(*sides, "--model", tiny_model_dir, "--exit-zero", cache=cache) == 0


@pytest.mark.parametrize(
    ("options", "code", "reason", "gate"),
    [
        ([], 3, "INCONCLUSIVE", ("no-evidence", ("evidence", "inconclusive"))),
        (["--expect", "evidence"], 3, "INCONCLUSIVE", ("evidence", ("no evidence", "inconclusive"))),
        (["--expect", "any"], 0, "INCONCLUSIVE", ("any", ())),
        (["--fail-on", "no-evidence"], 0, "INCONCLUSIVE", ("evidence", ("no evidence",))),
        (["--exit-zero"], 0, "INCONCLUSIVE", ("any", ())),
    ],
)
def test_the_gate_is_kept_with_the_result_and_decides_the_exit_code(
    options: list[str],
    code: int,
    reason: str,
    gate: tuple[str, tuple[str, ...]],
    tiny_model_dir: Path,
    sides: tuple[Path, Path],
    cache: Path,
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.json"
    assert check(*sides, "--model", tiny_model_dir, "-q", "-o", path, *options, cache=cache) == code
    result = load_result(path)
    assert (result.gate.expect, result.gate.fail_on) == gate
    judgement = evaluate_gate(result)
    assert (judgement.exit_code, judgement.passed, judgement.reason) == (code, code == 0, reason)


@pytest.mark.parametrize(
    ("variables", "flags", "code", "says"),
    [
        ({"FAIL_ON": "inconclusive"}, [], 3, ""),
        ({"FAIL_ON": "inconclusive"}, ["--exit-zero"], 0, "AUDITOR_FAIL_ON from the environment not followed"),
        ({"EXIT_ZERO": "1"}, [], 0, ""),
        ({"EXIT_ZERO": "1"}, ["--fail-on", "inconclusive"], 3, "AUDITOR_EXIT_ZERO from the environment not followed"),
        ({"EXIT_ZERO": "0"}, ["--expect", "evidence"], 3, ""),
        ({"EXIT_ZERO": "1", "FAIL_ON": "evidence"}, ["--expect", "no-evidence"], 0, "not followed: --expect on"),
    ],
)
def test_of_exit_zero_and_a_gate_the_command_line_wins(
    variables: dict[str, str],
    flags: list[str],
    code: int,
    says: str,
    tiny_model_dir: Path,
    sides: tuple[Path, Path],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"AUDITOR_{name}", value)
    assert check(*sides, "--model", tiny_model_dir, *flags, cache=cache) == code
    told = capsys.readouterr().err
    assert says in told
    assert ("not followed" in told) is ("not followed" in says)


@pytest.mark.parametrize(
    ("variables", "flags"),
    [
        ({}, ["--exit-zero", "--fail-on", "evidence"]),
        ({}, ["--exit-zero", "--expect", "any"]),
        ({"AUDITOR_FAIL_ON": "evidence"}, ["--exit-zero", "--expect", "any"]),
        ({"AUDITOR_FAIL_ON": "evidence", "AUDITOR_EXIT_ZERO": "1"}, []),
    ],
)
def test_exit_zero_and_a_gate_from_one_place_contradict_each_other(
    variables: dict[str, str],
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run(["check", "suspect", "heldout", "--model", "x", *flags]) == 2
    told = capsys.readouterr().err
    assert "--exit-zero lets everything pass" in told
    assert all(name in told for name in variables)


def test_a_reference_runs_the_control_by_itself(
    make_tiny_model: object, tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path
) -> None:
    other = make_tiny_model(tmp_path / "other", seed=5)  # type: ignore[operator]
    check(*sides, "--model", tiny_model_dir, "--reference", other, "-o", tmp_path / "r.json", cache=cache)
    result = load_result(tmp_path / "r.json")
    assert list(result.controls) == ["other"]
    assert next(guard for guard in result.guards if guard.name == "controls").status == "passed"
    assert "reference-gap" in result.manifest.features
    assert [model.role for model in result.manifest.models] == ["target", "reference"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{model}x"], "does not exist"),
        (["{model}", "--features", "min-k-21"], "min-k-20"),
        (["{model}", "--procedure", "llm-id"], "llm-di"),
        (["{model}", "-o", "report.pdf"], ".pdf"),
        (["{model}", "--alpha", "0"], "alpha"),
        (["{model}", "--fail-on", "maybe"], "maybe"),
        (["{model}", "--fail-on", ""], "--exit-zero"),
        (["{model}", "--fail-on", "evidence", "--expect", "evidence"], "expect"),
        (["{model}", "--fail-on", "inconclusive", "--expect", "no-evidence"], "expect"),
        (["{model}", "--fail-on", "evidence", "--expect", "any"], "expect"),
        (["{model}", "--expect", "nothing"], "no-evidence"),
        (["{model}", "--limit", "0"], "limit"),
        (["{model}", "--group-column", "author"], "author"),
        (["{model}", "--device", "tpu"], "tpu"),
        (["{model}", "--alpha", "0.001"], "permutations"),
        (["{model}", "--alpha", "nan"], "alpha"),
        (["{model}", "--required-auc", "nan"], "required_auc"),
        (["{model}", "--name", "\udcff"], "UTF-8"),
        (["{model}", "--features", "wbc,loss"], "--reference"),
        (["{model}", "--features", "reference"], "--reference"),
        (["{model}", "-o", "{suspect}/report.html"], "which is read"),
        (["{model}", "--modle", "x"], "--modle"),
    ],
)
def test_bad_options_are_refused_before_anything_is_scored(
    arguments: list[str],
    says: str,
    tiny_model_dir: Path,
    sides: tuple[Path, Path],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fresh = tmp_path_factory.mktemp("fresh")
    monkeypatch.chdir(tmp_path)
    given = [argument.format(model=tiny_model_dir, suspect=sides[0]) for argument in arguments]
    assert check(*sides, "--model", *given, cache=fresh) == 2
    printed = capsys.readouterr()
    assert "scoring" not in printed.err
    assert says in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_bad_data_leaves_no_output(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"text": "fine"}\n{"text": \n', encoding="utf-8")
    code = check(broken, sides[1], "--model", tiny_model_dir, "-o", tmp_path / "r.html", cache=cache)
    assert code == 2
    assert "broken.jsonl:2" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_report_renders_a_stored_result_again_without_torch(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path
) -> None:
    check(*sides, "--model", tiny_model_dir, "-o", tmp_path / "r.json", "-o", tmp_path / "r.html", cache=cache)
    program = (
        "import sys; from auditor.cli.main import run; "
        f"code = run(['report', {str(tmp_path / 'r.json')!r}, '-o', {str(tmp_path / 'again.html')!r}]); "
        "assert code == 0, code; assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / "r.html").read_bytes()


def test_the_schema_is_the_one_results_obey(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "AuditResult"
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    "kind", ["features", "guards", "readers", "backends", "renderers", "procedures", "environment"]
)
def test_list_names_what_there_is(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) >= 1
    known = {
        "features": "min-k-20",
        "guards": "blind",
        "readers": "jsonl",
        "backends": "gguf",
        "renderers": "html",
        "procedures": "llm-di",
        "environment": "AUDITOR_FAIL_ON",
    }
    assert any(known[kind] in line for line in lines)


def test_an_unknown_command_is_told_the_close_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chekc"]) == 2
    assert "check" in capsys.readouterr().err


def test_help_and_version_answer_without_heavy_imports() -> None:
    program = (
        "import sys; from auditor.cli.main import run; "
        "assert run(['--help']) == 0 and run(['--version']) == 0; "
        "heavy = {'torch', 'transformers', 'sklearn', 'scipy', 'numpy', 'matplotlib', 'datasets'}; "
        "assert not {*heavy, 'pydantic'} & set(sys.modules), sys.modules; "
        # Their options are derived from the settings, which are pydantic models.
        "assert run(['check', '--help']) == 0 and run(['forget', '--help']) == 0; "
        "heavy &= set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_an_interrupt_exits_130_and_a_defect_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import auditor.results.result

    def interrupted(**how: object) -> None:
        raise KeyboardInterrupt

    def broken(**how: object) -> None:
        raise ZeroDivisionError("boom \x1b[31m")

    monkeypatch.delenv("AUDITOR_DEBUG", raising=False)
    monkeypatch.setattr(auditor.results.result.AuditResult, "model_json_schema", interrupted)
    assert run(["schema"]) == 130
    monkeypatch.setattr(auditor.results.result.AuditResult, "model_json_schema", broken)
    assert run(["schema"]) == 4
    said = capsys.readouterr().err
    assert "interrupted" in said
    assert "boom" in said
    assert "\x1b" not in said


def test_features_without_a_reference_are_left_out_and_named(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path
) -> None:
    outputs = ["-o", tmp_path / "r.json", "-o", tmp_path / "r.html"]
    check(*sides, "--model", tiny_model_dir, "--features", "loss,reference", *outputs, cache=cache)
    result = load_result(tmp_path / "r.json")
    assert result.manifest.features == ("loss",)
    assert {feature.name for feature in result.excluded_features} == {
        "reference-gap",
        "wbc",
        "ez-mia",
        "rare-token-gap",
    }
    assert "no reference model was given" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_an_output_never_replaces_what_is_read(
    tiny_model_dir: Path, sides: tuple[Path, Path], cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "suspect.json"
    data.write_text(json.dumps([{"text": path.read_text(encoding="utf-8")} for path in sides[0].iterdir()]), "utf-8")
    before = data.read_bytes()
    assert check(data, sides[1], "--model", tiny_model_dir, "-o", data, cache=cache) == 2
    assert data.read_bytes() == before
    check(data, sides[1], "--model", tiny_model_dir, "-o", tmp_path / "r.json", cache=cache)
    stored = (tmp_path / "r.json").read_bytes()
    assert run(["report", str(tmp_path / "r.json"), "-o", str(tmp_path / "r.json")]) == 2
    assert (tmp_path / "r.json").read_bytes() == stored
    assert "which is read" in capsys.readouterr().err
