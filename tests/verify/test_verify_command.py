"""`auditor verify`: its words, its exit codes, and what it is held against."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auditor.audit.conclude import conclude
from auditor.audit.inputs import inputs_of_result
from auditor.cli.main import run
from auditor.report.renderer import write_outputs
from auditor.results.io import with_content_digest
from auditor.results.result import AuditResult


def rewritten(path: Path, result: AuditResult) -> str:
    write_outputs(result, [path])
    return str(path)


def test_a_result_is_verified_against_its_documents_and_models(
    audit_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [f"--data={side}={audit_folder / f'{side}.jsonl'}" for side in ("suspect", "heldout")]
    models = ["--model", str(audit_folder / "model"), "--model", f"older={audit_folder / 'older'}"]
    assert run(["verify", str(audit_folder / "result.json"), *given, *models]) == 0
    told = capsys.readouterr().out
    assert "figures are equal" in told or "equal to the last bit" in told
    assert (
        told.splitlines()[-1]
        == "VERIFIED: consistent with itself and with the given documents and with the given models"
    )
    assert "failed" not in told
    assert told.count("not asked") == 2  # a batch, and scoring again
    assert "what these models say of these texts" in told
    assert "which models were scored" not in told
    assert "passed over" not in told


def test_without_them_it_says_what_was_not_asked(audit_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(audit_folder / "result.json")]) == 0
    told = capsys.readouterr().out
    assert told.count("not asked") == 4
    assert "which models were scored" in told
    assert "The documents, their sides and their groups" in told
    assert told.splitlines()[-1] == "VERIFIED: consistent with itself"


def invented(result: AuditResult) -> AuditResult:
    """All features of one side moved the way that speaks of training, and everything else made to fit."""
    kept = result.measurements
    assert kept is not None
    values, directions = kept.features.values, [column.direction for column in kept.features.columns]
    suspect = np.array([[document.side == "suspect"] for document in result.documents])
    table = kept.features.model_copy(update={"values": values + directions * np.abs(values) * suspect})
    kept = kept.model_copy(update={"features": table})
    return conclude(inputs_of_result(result.model_copy(update={"measurements": kept})))


def everything(folder: Path) -> list[str]:
    return [
        *(f"--data={side}={folder / f'{side}.jsonl'}" for side in ("suspect", "heldout")),
        *("--model", str(folder / "model"), "--model", f"older={folder / 'older'}"),
    ]


def test_invented_features_pass_all_but_scoring_again_and_it_is_said(
    audit_folder: Path, small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forged = invented(small)
    assert forged.membership.p_value < small.membership.p_value
    path = rewritten(tmp_path / "r.json", forged)
    assert run(["verify", path, *everything(audit_folder)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "No check here shows that the stored features, probes and controls are what these models say" in told
    assert run(["verify", path, *everything(audit_folder), "--again"]) == 1
    told = capsys.readouterr().out
    assert "measurements.features.values[0][0]: stored" in told
    assert "No check here shows" in told
    assert told.splitlines()[-1] == "NOT VERIFIED: rescoring"


def test_a_result_that_is_scored_again_is_verified(audit_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Models and documents may have moved since."""
    assert run(["verify", str(audit_folder / "result.json"), *everything(audit_folder), "--again"]) == 0
    told = capsys.readouterr().out
    assert "scored again, the documents reproduce the stored measurements to the last bit" in told
    assert "No check here shows" not in told
    assert told.splitlines()[-1].endswith("which were scored again")


def test_scoring_again_needs_every_model_and_the_very_documents(
    audit_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, given = str(audit_folder / "result.json"), everything(audit_folder)
    assert run(["verify", result, *given[:-2], "--again"]) == 2
    assert "--model older=PATH is missing" in capsys.readouterr().err
    swapped = [f"--data=suspect={audit_folder / 'heldout.jsonl'}", *given[1:]]
    assert run(["verify", result, *swapped, "--again"]) == 1
    assert "not scored: the documents" in capsys.readouterr().out


def test_scoring_again_needs_a_reference_under_its_name(
    audit_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").symlink_to(audit_folder / "older")
    given = [*everything(audit_folder)[:-1], f"older={tmp_path / 'other'}"]
    assert run(["verify", str(audit_folder / "result.json"), *given, "--again"]) == 2
    assert "its name is part of the figures" in capsys.readouterr().err


def test_a_changed_figure_is_shown_with_both_values(
    small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = small.model_copy(update={"membership": small.membership.model_copy(update={"p_value": 0.001})})
    assert run(["verify", rewritten(tmp_path / "r.json", with_content_digest(changed))]) == 1
    told = capsys.readouterr().out
    assert f"membership.p_value: stored 0.001, should be {small.membership.p_value!r}" in told
    assert "NOT VERIFIED: figures" in told


def test_many_differences_are_counted(small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = tuple(score.model_copy(update={"score": score.score + 1}) for score in small.group_scores)
    changed = small.model_copy(update={"group_scores": scores})
    assert run(["verify", rewritten(tmp_path / "r.json", with_content_digest(changed))]) == 1
    assert f"... and {len(scores) - 20} more by figures" in capsys.readouterr().out


def test_other_documents_and_models_are_told(
    audit_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (audit_folder / "suspect.jsonl").read_text(encoding="utf-8").splitlines()
    lines[3] = json.dumps({"text": "another text altogether"})
    other = tmp_path / "suspect.jsonl"
    other.write_text("\n".join(lines), encoding="utf-8")
    model = shutil.copytree(audit_folder / "older", tmp_path / "model")
    code = run(["verify", str(audit_folder / "result.json"), "--data", f"suspect={other}", "--model", str(model)])
    told = capsys.readouterr().out
    assert code == 1
    assert "documents[3].sha256: stored" in told
    assert "manifest.models[0].weights_sha256: stored" in told
    assert "manifest.models[0].tokenizer_sha256" not in told
    assert "NOT VERIFIED: data, models" in told


def test_a_text_that_the_kept_table_does_not_follow_from_is_told(
    audit_folder: Path, small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change too small to move a rank changes no figure, and reading the texts again shows it all the same."""
    assert small.measurements is not None
    column = [column.name for column in small.measurements.text.columns].index("words-1")
    values = small.measurements.text.values.copy()
    values[2, column] *= 1 + 1e-4
    text = small.measurements.text.model_copy(update={"values": values})
    changed = with_content_digest(
        small.model_copy(update={"measurements": small.measurements.model_copy(update={"text": text})})
    )
    path = rewritten(tmp_path / "r.json", changed)
    given = [f"--data={side}={audit_folder / f'{side}.jsonl'}" for side in ("suspect", "heldout")]
    assert run(["verify", path, *given]) == 1
    assert f"measurements.text.values[2][{column}]: stored" in capsys.readouterr().out


def test_a_name_that_stands_twice_is_refused(
    audit_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = (audit_folder / "result.json").read_text(encoding="utf-8")
    path = tmp_path / "r.json"
    path.write_text(written.replace('  "verdict": {', '  "verdict": {"word": "NO EVIDENCE"},\n  "verdict": {', 1))
    assert run(["verify", str(path)]) == 1
    assert "'verdict' is twice" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{}", "[1]", "PK\x03\x04 no zip", '{"schema_version": "0.9"}'])
def test_what_is_no_result_exits_2(content: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(content, encoding="utf-8")
    assert run(["verify", str(path)]) == 2
    assert run(["verify", str(tmp_path / "missing.json")]) == 2


def test_a_role_or_model_that_there_is_not_is_named(audit_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = str(audit_folder / "result.json")
    assert run(["verify", result, "--data", f"suspects={audit_folder / 'suspect.jsonl'}"]) == 2
    assert run(["verify", result, "--data", "suspect.jsonl"]) == 2
    assert run(["verify", result, "--model", "a=x", "--model", "a=y"]) == 2
    assert run(["verify", result, "--data", f"suspect={audit_folder / 'missing.jsonl'}"]) == 2
    assert run(["verify", result, "--model", str(audit_folder / "missing")]) == 2
    assert run(["verify", result, "--model", f"oldest={audit_folder / 'model'}"]) == 2
    assert "Did you mean older?" in capsys.readouterr().err


def test_what_an_edited_file_holds_breaks_no_check(
    small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = tuple(model.model_copy(update={"role": "reference"}) for model in small.manifest.models)
    changed = small.model_copy(
        update={
            "manifest": small.manifest.model_copy(update={"models": models}),
            "documents": small.documents[:1],
        }
    )
    assert run(["verify", rewritten(tmp_path / "r.json", with_content_digest(changed))]) == 1
    told = capsys.readouterr().out
    assert "failed      figures" in told
    assert "passed      digest" in told


def test_a_file_that_would_keep_a_machine_busy_for_days_is_refused(
    small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = {**small.manifest.configuration, "permutations": 10**12}
    changed = small.model_copy(update={"manifest": small.manifest.model_copy(update={"configuration": configuration})})
    assert run(["verify", rewritten(tmp_path / "r.json", with_content_digest(changed))]) == 2
    assert "too many to recompute" in capsys.readouterr().err


def test_what_takes_more_than_minutes_is_made_again_only_if_asked(
    audit_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By permutations and by the size of the tables together."""
    monkeypatch.setattr("auditor.verify.work.MOST_WORK", 10_000)
    assert run(["verify", str(audit_folder / "result.json")]) == 2
    assert "Give --long" in capsys.readouterr().err
    assert run(["verify", str(audit_folder / "result.json"), "--long"]) == 0


def test_verifying_needs_no_torch(audit_folder: Path) -> None:
    code = (
        "import sys; from auditor.cli.main import run\n"
        "code = run(sys.argv[1:])\n"
        "assert code == 0, code\n"
        "assert not {'torch', 'transformers', 'matplotlib'} & set(sys.modules)"
    )
    given = [f"--data={side}={audit_folder / f'{side}.jsonl'}" for side in ("suspect", "heldout")]
    arguments = ["verify", str(audit_folder / "result.json"), "--model", str(audit_folder / "model"), *given]
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
