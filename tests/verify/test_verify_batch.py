"""The correction of a batch is made again from its batch.json and the results beside it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.batch import with_looks

from auditor.audit.conclude import conclude
from auditor.audit.inputs import inputs_of_result
from auditor.audit.limitations import limitations
from auditor.cli.main import run
from auditor.report.renderer import write_outputs
from auditor.results.batch import AuditOutcome, BatchEntry, BatchResult
from auditor.results.io import load_result, with_content_digest
from auditor.results.result import AuditResult, BatchCorrection
from auditor.results.summary import summarise
from auditor.verify.check import verify
from auditor.verify.open import open_subject
from auditor.verify.unproven import is_unproven


def outcome(result: AuditResult, folder: Path, name: str) -> BatchEntry:
    written = folder / "audits" / name / "result.json"
    finding = AuditOutcome(
        **summarise(result).model_dump(),
        report=f"audits/{name}/report.html",
        result=f"audits/{name}/result.json",
        result_sha256=hashlib.sha256(written.read_bytes()).hexdigest(),
    )
    sides: dict[str, Any] = {"suspect": "s", "heldout": "h", "model": "m"}
    return BatchEntry(name=name, folder=f"audits/{name}", kind="check", gate=result.gate, finding=finding, **sides)


def write_batch(folder: Path, results: dict[str, AuditResult]) -> Path:
    for name, result in results.items():
        write_outputs(result, [folder / "audits" / name / "result.json"])
    batch = BatchResult(
        name="two",
        created="2026-01-01T00:00:00+00:00",
        auditor_version="0",
        correction="holm",
        configuration="AUDITS.yaml",
        configuration_sha256="0" * 64,
        audits=tuple(outcome(result, folder, name) for name, result in results.items()),
    )
    (folder / "batch.json").write_text(batch.model_dump_json(), encoding="utf-8")
    return folder / "audits" / "one" / "result.json"


@pytest.fixture
def corrected(small: AuditResult) -> dict[str, AuditResult]:
    return dict(zip(("one", "two"), with_looks([small, small], "holm"), strict=True))


def test_the_correction_is_made_again(
    corrected: dict[str, AuditResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(write_batch(tmp_path, corrected))]) == 0
    assert "follows from the 2 results" in capsys.readouterr().out


def test_without_the_batch_it_is_said_not_to_be_checked(
    corrected: dict[str, AuditResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_outputs(corrected["one"], [tmp_path / "r.json"])
    assert run(["verify", str(tmp_path / "r.json")]) == 0
    told = capsys.readouterr().out
    assert "the correction for 2 audits was not checked" in told
    assert "--batch shows it" in told


def test_audits_that_broke_are_among_those_corrected(
    small: AuditResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for told, code in ((1, 0), (0, 1)):
        results = dict(zip(("one", "two"), with_looks([small, small], "holm", broken=told), strict=True))
        path = write_batch(tmp_path / str(told), results)
        file = tmp_path / str(told) / "batch.json"
        batch = BatchResult.model_validate_json(file.read_bytes())
        third = batch.audits[0].model_copy(update={"name": "three", "finding": None, "error": "no disk"})
        file.write_text(batch.model_copy(update={"audits": (*batch.audits, third)}).model_dump_json())
        assert run(["verify", str(path)]) == code
        assert ("and the 1 that broke" in capsys.readouterr().out) is (code == 0)


def test_a_correction_that_does_not_follow_is_found(
    corrected: dict[str, AuditResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The batch is written anew too, with the digest of the forged result."""
    one = corrected["one"]
    assert one.multiplicity is not None
    forged = one.model_copy(
        update={"multiplicity": one.multiplicity.model_copy(update={"p_adjusted": one.multiplicity.p_entered})}
    )
    path = write_batch(tmp_path, corrected | {"one": with_content_digest(forged)})
    assert run(["verify", str(path)]) == 1
    assert "multiplicity.p_adjusted: stored" in capsys.readouterr().out


FIELDS = {
    "method": "benjamini-hochberg",
    "audits": 7,
    "broken": 1,
    "p_value": 0.87,
    "n_hypotheses": 2,
    "p_entered": 0.87,
    "p_adjusted": 0.95,
}


@pytest.mark.parametrize("field", FIELDS)
def test_without_the_batch_only_what_the_list_says_goes_unnoticed(
    field: str, corrected: dict[str, AuditResult], tmp_path: Path
) -> None:
    one = corrected["one"]
    assert one.multiplicity is not None
    looks = one.multiplicity.model_copy(update={field: FIELDS[field]})
    told = limitations(one.guards, series=False, correction=looks)
    forged = one.model_copy(update={"multiplicity": looks, "limitations": told})
    write_outputs(with_content_digest(forged), [tmp_path / "r.json"])
    assert run(["verify", str(tmp_path / "r.json")]) == (0 if is_unproven(f"multiplicity.{field}") else 1)


def forgeries(looks: BatchCorrection) -> dict[str, dict[str, Any]]:
    return {
        "below the p-value": {"p_adjusted": looks.p_entered * 0.99},
        "above what so many audits give": {"p_adjusted": min(1.0, looks.p_entered * 1.5), "audits": 1},
        "a p-value of nothing": {"p_value": 0.0, "p_entered": 0.0, "p_adjusted": 0.0},
        "all broken": {"broken": looks.audits},
        "no audits": {"audits": 0},
    }


def test_what_no_correction_gives_is_found_although_all_that_follows_is_made_anew(
    corrected: dict[str, AuditResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = corrected["one"]
    assert one.multiplicity is not None
    sound = inputs_of_result(one)
    for changes in forgeries(one.multiplicity).values():
        forged = conclude(replace(sound, multiplicity=one.multiplicity.model_copy(update=changes)))
        # The p-value is made again from the figures, so that a stored one has to be put back.
        forged = with_content_digest(
            forged.model_copy(update={"multiplicity": one.multiplicity.model_copy(update=changes)})
        )
        write_outputs(forged, [tmp_path / "r.json"])
        assert run(["verify", str(tmp_path / "r.json")]) == 1, changes
        assert "multiplicity." in capsys.readouterr().out


def test_a_result_without_a_correction_is_said_to_show_no_batch(
    corrected: dict[str, AuditResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The correction is taken away and everything that follows is made anew."""
    write_outputs(conclude(replace(inputs_of_result(corrected["one"]), multiplicity=None)), [tmp_path / "r.json"])
    assert run(["verify", str(tmp_path / "r.json")]) == 0
    assert "nothing in the file shows whether it was one of a batch" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["{}", "not JSON", "another batch"])
def test_a_batch_above_that_is_not_of_this_result_is_passed_over(
    content: str, corrected: dict[str, AuditResult], small: AuditResult, tmp_path: Path
) -> None:
    if content == "another batch":
        write_batch(tmp_path, corrected)
    else:
        (tmp_path / "batch.json").write_text(content)
    for result in (small, corrected["one"]):
        path = tmp_path / "kept" / "here" / "result.json"
        write_outputs(result.model_copy(update={"name": "elsewhere"}), [path])
        write_outputs(with_content_digest(load_result(path)), [path])
        subject = open_subject(path, data={}, models={})
        assert subject.batch is None
        assert verify(subject)["multiplicity"].status == "not asked"


def test_a_batch_that_is_given_must_be_one_and_name_the_result(
    corrected: dict[str, AuditResult], small: AuditResult, tmp_path: Path
) -> None:
    write_batch(tmp_path, corrected)
    write_outputs(small, [tmp_path / "r.json"])
    (tmp_path / "none.json").write_text("{}")
    result = str(tmp_path / "r.json")
    assert run(["verify", result, "--batch", str(tmp_path / "none.json")]) == 2
    assert run(["verify", result, "--batch", str(tmp_path / "missing.json")]) == 2
    assert run(["verify", result, "--batch", str(tmp_path / "batch.json")]) == 1


@pytest.mark.parametrize("forged", ["one", "two"])
def test_a_result_that_is_not_the_batchs_is_found(
    forged: str, corrected: dict[str, AuditResult], tmp_path: Path
) -> None:
    path = write_batch(tmp_path, corrected)
    other = tmp_path / "audits" / forged / "result.json"
    write_outputs(with_content_digest(load_result(other).model_copy(update={"multiplicity": None})), [other])
    assert run(["verify", str(path)]) == 1


def test_a_batch_without_the_results_of_the_others_is_passed_over_unless_it_is_given(
    corrected: dict[str, AuditResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_batch(tmp_path / "batch", corrected)
    (tmp_path / "batch" / "audits" / "two" / "result.json").unlink()
    assert run(["verify", str(path)]) == 0
    assert "was not checked" in capsys.readouterr().out
    assert run(["verify", str(path), "--batch", str(tmp_path / "batch" / "batch.json")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_a_result_outside_the_batch_is_not_read(corrected: dict[str, AuditResult], tmp_path: Path) -> None:
    path = write_batch(tmp_path / "batch", corrected)
    file = tmp_path / "batch" / "batch.json"
    file.write_text(file.read_text().replace("audits/two/result.json", "../result.json"))
    assert run(["verify", str(path), "--batch", str(file)]) == 1
