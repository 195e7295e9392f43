"""The result of a test is checked by a second party: whatever was changed is found."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.dealt import fake_scores, make_plan, result
from support.paths import SAMPLES

from auditor.core.errors import UsageError
from auditor.dealt.conclude import conclude_dealt, dealt_inputs_of
from auditor.dealt.open import open_plan
from auditor.dealt.run import run_plan_test
from auditor.dealt.settings import make_plan_test_settings
from auditor.provenance.folder import PlanFolder
from auditor.report.json_ import write_json
from auditor.results.dealt.result import DealtResult
from auditor.results.io import load_stored, with_content_digest
from auditor.verify.bundle.archive import unpack
from auditor.verify.bundle.dealt import make_dealt_bundle
from auditor.verify.check import CheckAnswer
from auditor.verify.dealt.checks import verify_dealt
from auditor.verify.dealt.open import open_dealt
from auditor.verify.dealt.subject import DealtSubject
from auditor.verify.dealt.text import render_dealt_text

Edit = Callable[[dict[str, Any]], None]


def answers_of(made: DealtResult, plan: Path | None = None) -> dict[str, CheckAnswer]:
    """All answers about a result."""
    return verify_dealt(DealtSubject(made, write_json(made).encode(), plan=plan))


def failed(answers: dict[str, CheckAnswer]) -> set[str]:
    """Names of the questions that failed."""
    return {name for name, answer in answers.items() if answer.status == "failed"}


@pytest.fixture
def plan(tmp_path: Path) -> PlanFolder:
    return make_plan(tmp_path / "plan", units=20, batches=2, decoys=4)


@pytest.mark.parametrize("design", ["canaries", "twins", "holdout", "choice", "order"])
def test_a_result_is_verified_alone_and_with_its_plan(design: str, tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", design, units=20)
    made = result(plan, effect=5.0, references=1, reveal=True)
    alone, opened = answers_of(made), answers_of(made, plan.path)
    assert not failed(alone)
    assert not failed(opened)
    assert alone["opening"].status == "not asked"
    assert opened["opening"].status == opened["stamp"].status == opened["beacon"].status == "passed"
    assert "to the last bit" in opened["figures"].detail


def change(path: str, value: Any) -> Edit:
    """Set a leaf of the tree."""

    def edit(tree: dict[str, Any]) -> None:
        at: Any = tree
        *parts, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in parts:
            at = at[part]
        at[last] = value(at[last]) if callable(value) else value

    return edit


TAMPERED: list[tuple[str, Edit, str]] = [
    ("p_value", change("p_value", 1e-9), "figures"),
    ("p_paid", change("p_paid", 1e-9), "figures"),
    ("level", change("level", 0.5), "figures"),
    ("outcome", change("verdict.outcome", "EVIDENCE"), "verdict"),
    ("class", change("verdict.validity_class", "A"), "verdict"),
    ("grade", change("coins.bits", 0), "figures"),
    ("check", change("checks.0.status", "failed"), "figures"),
    ("rank", change("units.0.rank", lambda rank: (rank + 1) % 4), "figures"),
    ("coin", change("measurements.units.0.published", lambda coin: (coin + 1) % 4), "opening"),
    ("tie", change("measurements.units.0.tie_order", lambda order: order[::-1]), "opening"),
    ("leaf", change("measurements.units.0.leaf", "00" * 32), "opening"),
    ("order", change("measurements.unit_order", lambda order: order[::-1]), "opening"),
    ("text", change("units.0.candidates", lambda texts: texts[::-1]), "opening"),
    ("root", change("commitment.batches.0.root", "00" * 32), "commitment"),
    ("address", change("measurements.coins.address", "https://elsewhere"), "stamp"),
    ("setting", change("manifest.configuration.seed", 5), "configuration"),
    ("digest", change("content_sha256", "00" * 32), "digest"),
]


@pytest.mark.parametrize(("edit", "question"), [row[1:] for row in TAMPERED], ids=[row[0] for row in TAMPERED])
def test_what_was_changed_is_found_with_the_plan(edit: Edit, question: str, plan: PlanFolder) -> None:
    made = result(plan, reveal=True)
    tree = json.loads(write_json(made))
    edit(tree)
    forged = DealtResult.model_validate(tree)
    forged = forged if question == "digest" else with_content_digest(forged)
    assert question in failed(answers_of(forged, plan.path))


def test_a_score_that_was_changed_moves_a_rank(plan: PlanFolder) -> None:
    made = result(plan)
    tree = json.loads(write_json(made))
    tree["measurements"]["scores"]["target"][0] = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert "figures" in failed(answers_of(with_content_digest(DealtResult.model_validate(tree))))


def test_another_plan_is_not_the_one_of_the_result(plan: PlanFolder, tmp_path: Path) -> None:
    other = make_plan(tmp_path / "other", units=20, batches=2, decoys=4, key=b"k" * 32)
    assert {"commitment", "opening"} <= failed(answers_of(result(plan), other.path))


def blind(plan: PlanFolder, folder: Path) -> tuple[DealtResult, Path]:
    """A result from sealed scores, and its file."""
    scores = folder / "scores.json"
    scores.write_text(write_json(fake_scores(open_plan(str(plan.path), 1), effect=100.0)))
    made = run_plan_test(make_plan_test_settings(plan=str(plan.path), scores=str(scores)))
    written = folder / "result.json"
    written.write_text(write_json(made))
    return made, written


def test_a_bundle_shows_what_is_public_and_the_opening_only_where_it_is_revealed(
    plan: PlanFolder, tmp_path: Path
) -> None:
    made, written = blind(plan, tmp_path)
    raw = written.read_bytes()
    secrets = [plan.secret(number).key for number in (1, 2)]
    for reveal in (False, True):
        path = tmp_path / f"{reveal}.zip"
        path.write_bytes(make_dealt_bundle(made, raw, written, reveal=reveal, sources={}))
        files = unpack(path)
        assert ("opening.json" in files) == ("scores.json" in files) == reveal
        everything = b"".join(files.values())
        assert (secrets[0].encode() in everything) == reveal
        assert secrets[1].encode() not in everything
        assert all(unit.candidates[0].encode() not in everything for unit in plan.units(2))
        subject = open_dealt(path, plan=None)
        assert subject is not None
        answers = verify_dealt(subject)
        assert not failed(answers)
        assert answers["bundle"].status == answers["commitment"].status == "passed"
        assert (answers["opening"].status == answers["sealed"].status == "passed") == reveal


def test_a_file_of_a_bundle_that_was_changed_is_found(plan: PlanFolder, tmp_path: Path) -> None:
    made, written = blind(plan, tmp_path)
    path = tmp_path / "b.zip"
    path.write_bytes(make_dealt_bundle(made, written.read_bytes(), written, reveal=True, sources={}))
    files = unpack(path)
    for name in ("report.html", "commitment.json", "opening.json", "scores.json"):
        changed = {**files, name: files[name].replace(b"a", b"b", 1)}
        subject = DealtSubject(made, files["result.json"], {**changed})
        assert "bundle" in failed(verify_dealt(subject))
    extra = DealtSubject(made, files["result.json"], {**files, "secret.json": b"{}"})
    assert "bundle" in failed(verify_dealt(extra))


def test_what_cannot_be_bundled_is_refused(plan: PlanFolder, tmp_path: Path) -> None:
    shown = result(plan, reveal=True)
    raw = write_json(shown).encode()
    with pytest.raises(UsageError, match="shows the candidates"):
        make_dealt_bundle(shown, raw, Path("r.json"), reveal=False, sources={})
    with pytest.raises(UsageError, match="changed after"):
        make_dealt_bundle(shown.model_copy(update={"name": "x"}), raw, Path("r.json"), reveal=True, sources={})
    other = make_plan(tmp_path / "other", units=20, batches=2, decoys=4, key=b"k" * 32)
    with pytest.raises(UsageError, match="not the plan"):
        make_dealt_bundle(shown, raw, Path("r.json"), reveal=True, sources={}, plan=other.path)


def test_the_output_says_what_it_does_not_show(plan: PlanFolder) -> None:
    made = result(plan)
    subject = DealtSubject(made, write_json(made).encode())
    alone = render_dealt_text(subject, verify_dealt(subject))
    assert "which candidate of each unit was published" in alone
    assert "invents them can make every figure" in " ".join(alone.split())
    assert "VERIFIED: consistent with itself" in alone
    opened = DealtSubject(made, write_json(made).encode(), plan=plan.path)
    text = render_dealt_text(opened, verify_dealt(opened))
    assert "which candidate of each unit was published" not in text
    assert "with the opened batch" in text


def test_the_result_of_a_test_is_read_by_its_kind(plan: PlanFolder, tmp_path: Path) -> None:
    made = result(plan)
    path = tmp_path / "result.json"
    path.write_text(write_json(made))
    assert load_stored(path) == made
    assert open_dealt(path, plan=None) is not None


def with_samples(tmp_path: Path, **beacon: Any) -> DealtResult:
    """A result with the true round of the samples."""
    plan = make_plan(tmp_path / "plan")
    made = result(plan)
    tree = json.loads(write_json(made))
    tree["commitment"]["beacon"] = {"chain": "drand-quicknet", "round": 1000}
    written = json.loads((SAMPLES / "planted" / "plan" / "beacon.json").read_text())
    facts = {**written, "chain": "drand-quicknet", "time": "2023-08-23T15:59:24+00:00", "checked": "verified"}
    tree["measurements"]["coins"]["beacon"] = {**facts, **beacon}
    return DealtResult.model_validate(tree)


def test_a_round_proves_itself_without_the_plan(tmp_path: Path) -> None:
    pytest.importorskip("drand_verify")
    assert answers_of(with_samples(tmp_path))["beacon"].status == "passed"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("time", "2023-08-23T15:59:27+00:00", "another time"),
        ("randomness", "00" * 32, "not the digest"),
        ("round", 1001, "names round 1,000"),
    ],
)
def test_a_round_that_was_changed_is_found_without_the_plan(name: str, value: Any, says: str, tmp_path: Path) -> None:
    answer = answers_of(with_samples(tmp_path, **{name: value}))["beacon"]
    assert answer.status == "failed"
    assert says in answer.detail


def test_a_signature_of_nobody_is_found_without_the_plan(tmp_path: Path) -> None:
    pytest.importorskip("drand_verify")
    signature = "ab" * 48
    randomness = hashlib.sha256(bytes.fromhex(signature)).hexdigest()
    answer = answers_of(with_samples(tmp_path, signature=signature, randomness=randomness))["beacon"]
    assert answer.status == "failed"
    assert "not that of the drand network" in answer.detail


def test_what_was_not_checked_here_is_named_and_the_opening_is_derived_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    monkeypatch.setitem(sys.modules, "drand_verify", None)
    plan = make_plan(tmp_path / "plan", units=20, beacon=True, public=True)
    made = result(plan)
    (plan.path / "commitment.tsr").write_bytes(b"a stamp that nothing here reads")
    tree = json.loads(write_json(made))
    stamp = {"time": "2023-01-01T00:00:00+00:00", "authority": "CN=TSA", "checked": "verified"}
    tree["measurements"]["coins"]["stamp"] = stamp
    claimed = with_content_digest(conclude_dealt(dealt_inputs_of(DealtResult.model_validate(tree))))
    subject = DealtSubject(claimed, write_json(claimed).encode(), plan=plan.path)
    answers = verify_dealt(subject)
    assert not failed(answers)
    assert answers["opening"].status == "passed"
    assert answers["stamp"].status == answers["beacon"].status == "not asked"
    text = " ".join(render_dealt_text(subject, answers).split())
    assert "time stamp and publication of the commitment" in text
    assert "randomness of the beacon, whose signature was not checked here" in text
    assert "scores, tokens, features and probes" in text
    tree["measurements"]["coins"]["address"] = "https://elsewhere"
    assert "stamp" in failed(answers_of(DealtResult.model_validate(tree), plan.path))
    assert "stamp" in failed(answers_of(made, plan.path))


def test_the_planted_sample_is_opened_as_it_was_committed_to() -> None:
    pytest.importorskip("drand_verify")
    opened = open_plan(str(SAMPLES / "planted" / "plan"), 1)
    assert opened.coins.beacon is not None
    assert opened.coins.stamp is not None
    assert opened.coins.beacon.checked == opened.coins.stamp.checked == "verified"
