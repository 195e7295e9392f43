"""Tests of plans are audits of a batch like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.configuration import faults, read
from support.dealt import make_plan
from support.texts import WORDS

from auditor.batch import kinds
from auditor.batch.read import read_batch
from auditor.batch.run import run_batch
from auditor.cli.main import run
from auditor.core.errors import RunError, UsageError
from auditor.dealt.settings import PlanTestSettings
from auditor.models.backend import Backend, ModelSpec
from auditor.provenance.folder import PlanFolder
from auditor.results.batch import BatchResult, PlanTestEntry
from auditor.results.dealt.policy import DealtPolicy
from auditor.results.dealt.result import DealtResult
from auditor.results.gate import FAILS, Gate
from auditor.results.io import content_digest, load_stored

BATCHES = 3


def sentence(unit: int, candidate: int) -> str:
    """A candidate, unlike any other."""
    return f"{WORDS[(unit * 7 + candidate) % len(WORDS)]} {unit} and {candidate} are here.".capitalize()


@pytest.fixture
def planned(here: Path) -> Path:
    """A folder with all that configurations name, and a plan of three batches."""
    make_plan(here / "plan", units=12, decoys=1, batches=BATCHES, texts=sentence, public=True, alpha=0.05)
    return here


def opened(folder: Path) -> int:
    return len(PlanFolder(folder / "plan").openings.opened)


# --- configuration ----------------------------------------------------------------------------------------------------


def test_an_audit_with_a_plan_is_a_test_with_the_settings_of_the_command(planned: Path) -> None:
    text = (
        "defaults: {suspect: suspect, heldout: heldout, model: model, alpha: 0.02, limit: 5, seed: 3,"
        " expect: evidence, required-auc: 0.7}\naudits:\n- {name: check}\n"
        "- {name: test, plan: plan, batch: 2, references: [base], released: '2026-01-01', look: 1, sequential: true,"
        " fail-on: [evidence], plan-policy: {power: 0.9}}\n"
    )
    plan = read(planned, text)
    check, test = plan.audits
    assert [kinds.kind_of(audit.settings) for audit in plan.audits] == ["check", "test"]
    assert (check.gate.expect, test.gate) == ("evidence", Gate(fail_on=("evidence",)))
    assert test.settings == PlanTestSettings(
        model="model",
        plan="plan",
        batch=2,
        references=("base",),
        released="2026-01-01",
        look=1,
        sequential=True,
        seed=3,
        policy=DealtPolicy(power=0.9, required_auc=0.7),
    )
    assert {"plan", "model", "base"} <= set(kinds.sources_of(test.settings))


def test_a_plan_in_the_defaults_is_for_audits_without_documents_of_their_own(planned: Path) -> None:
    text = (
        "defaults: {plan: plan, heldout: heldout, model: model}\naudits:\n- {name: a}\n- {name: b, suspect: suspect}\n"
        "- {name: c, kind: test, batch: 2}\n"
    )
    assert [kinds.kind_of(audit.settings) for audit in read(planned, text).audits] == ["test", "check", "test"]


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("plan: nowhere, model: model", "nowhere does not exist or is no folder"),
        ("plan: suspect, model: model", "suspect holds no commitment.json, so it is no plan"),
        ("plan: plan, model: model, batch: 9", "the plan has no batch 9. It has: 1, 2, 3"),
        ("plan: plan", "this audit has no model"),
        ("kind: test, model: model", "this audit has no plan"),
        ("plan: plan, model: model, released: today", "released: 'today' is no day"),
        ("plan: plan, model: model, look: -1", "audits.look: "),
        ("plan: plan, model: model, suspect: suspect", "'suspect' is not for a test of a plan"),
        ("plan: plan, model: model, alpha: 0.1", "'alpha' is that of the commitment in a test of a plan"),
        ("plan: plan, model: model, scores: s.json", "unknown key 'scores'"),
        ("plan: plan, model: model, states: [A]", "'states' is not for a test of a plan"),
        ("plan: plan, model: model, fail-on: [A]", "fail-on names state A, which needs checkpoints"),
        ("plan: plan, kind: check, model: model, suspect: suspect, heldout: heldout", "'plan' is for a test of a plan"),
        ("suspect: suspect, heldout: heldout, model: model, batch: 2", "'batch' is for a test of a plan"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(planned: Path, entry: str, what: str) -> None:
    (said,) = faults(planned, f"audits:\n- {{name: a, {entry}}}\n")
    assert said.startswith("2: ")
    assert what in said


def test_a_plan_that_was_not_dealt_is_refused(planned: Path) -> None:
    (planned / "plan" / "restoration.json").unlink()
    (said,) = faults(planned, "audits:\n- {name: a, plan: plan, model: model}\n")
    assert "the coins of this plan were not dealt yet" in said


def test_benjamini_and_hochberg_need_the_level_of_the_commitment_for_all(planned: Path) -> None:
    text = (
        "correction: benjamini-hochberg\naudits:\n- {name: test, plan: plan, model: model}\n"
        "- {name: check, suspect: suspect, heldout: heldout, model: model, alpha: ALPHA}\n"
    )
    (said,) = faults(planned, text.replace("ALPHA", "0.01"))
    assert "'check' has 0.01, 'test' has 0.05" in said
    assert len(read(planned, text.replace("ALPHA", "0.05")).audits) == 2


def test_a_required_control_is_a_reference(planned: Path) -> None:
    read(planned, "audits: [{name: a, plan: plan, model: model, references: [base]}]\n")
    assert read_batch(planned / "AUDITS.yaml", require_control=True)
    read(planned, "audits: [{name: a, plan: plan, model: model}]\n")
    with pytest.raises(UsageError, match="the test 'a' has no reference"):
        read_batch(planned / "AUDITS.yaml", require_control=True)


def test_validating_opens_nothing(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "audits: [{name: a, plan: plan, model: model}, {name: b, plan: plan, batch: 2, model: model}]\n"
    read(planned, text)
    assert run(["validate", "AUDITS.yaml"]) == 0
    assert "2 audits (2 test)" in capsys.readouterr().out
    assert opened(planned) == 0


# --- running ----------------------------------------------------------------------------------------------------------


def write(folder: Path, model: Path, *, tests: int = 2, more: str = "") -> Path:
    file = folder / "AUDITS.yaml"
    entries = "".join(f"- {{name: test {number}, batch: {number}}}\n" for number in range(1, tests + 1))
    file.write_text(f"defaults: {{plan: plan, model: '{model}'}}\naudits:\n{entries}{more}", encoding="utf-8")
    return file


def run_it(folder: Path, configuration: Path) -> BatchResult:
    plan = read_batch(configuration)
    return run_batch(plan, folder / "out", cache_dir=str(folder / "cache"), command="auditor batch AUDITS.yaml")


def result_of(folder: Path, entry: object) -> DealtResult:
    assert isinstance(entry, PlanTestEntry)
    assert entry.finding is not None, entry.error
    result = load_stored(folder / "out" / entry.finding.result)
    assert isinstance(result, DealtResult)
    return result


def test_texts_are_scored_once_and_results_taken_over(
    planned: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loads: list[str] = []
    load = ModelSpec.load

    def count(self: ModelSpec) -> Backend:
        loads.append(self.identity.source)
        return load(self)

    monkeypatch.setattr(ModelSpec, "load", count)
    configuration = write(planned, tiny_model_dir)
    first = run_it(planned, configuration)
    assert len(loads) == 1
    assert opened(planned) == 2
    for number, entry in enumerate(first.audits, start=1):
        result = result_of(planned, entry)
        assert result.manifest.texts_scored == 0
        assert (result.name, result.plan.batch) == (f"test {number}", number)
        assert result.content_sha256 == content_digest(result)
        assert result.multiplicity is not None
        assert (result.multiplicity.audits, result.multiplicity.p_value) == (2, result.p_paid)
        assert entry.finding is not None
        assert (entry.finding.verdict, entry.finding.multiplicity) == (result.verdict, result.multiplicity)

    out = planned / "out"
    assert "batch 1 of plan on" in (out / "index.html").read_text(encoding="utf-8")
    assert "| test 2 |" in (out / "summary.md").read_text(encoding="utf-8")
    suites = ElementTree.parse(out / "junit.xml").findall("testsuite")
    assert {case.get("name") for case in suites[0].iter("testcase")} >= {"verdict", "check opening", "check reach"}
    assert BatchResult.model_validate(json.loads((out / "batch.json").read_text(encoding="utf-8"))) == first
    assert "Correction over the batch" in (out / "audits" / "test-1" / "report.html").read_text(encoding="utf-8")

    # Nothing is run, scored or noted where nothing has changed.
    before = {path: path.read_bytes() for path in (*out.rglob("result.json"), planned / "plan" / "opened.json")}
    with monkeypatch.context() as patched:
        patched.setattr(kinds, "run_plan_test", None)
        again = run_it(planned, configuration)
    assert again.model_copy(update={"created": first.created}) == first
    assert {path: path.read_bytes() for path in before} == before

    # Everything in the folder is verified with the plan, the batch and its configuration.
    result_file = str(out / "audits" / "test-1" / "result.json")
    capsys.readouterr()
    assert run(["verify", result_file, "--plan", "plan", "--config", "AUDITS.yaml"]) == 0
    said = capsys.readouterr().out
    assert "follows from the 2 results" in said
    assert "the configuration of the batch gives all" in said

    # Another address of the publication is another plan: its tests are run again, and no text is scored.
    (planned / "plan" / "public.json").write_text('{"address": "https://example.org/elsewhere"}', encoding="utf-8")
    third = run_it(planned, configuration)
    assert result_of(planned, third.audits[0]).coins.address == "https://example.org/elsewhere"
    assert len(loads) == 1


def fake(p_paid: dict[int, float]) -> Callable[..., DealtResult]:
    """`run_plan_test`, which gives EVIDENCE with a p-value for each batch, and breaks where there is none."""
    run_plan_test = kinds.run_plan_test

    def run_fake(settings: PlanTestSettings, *arguments: object, **more: object) -> DealtResult:
        if settings.batch not in p_paid:
            raise RunError("the model broke")
        result = run_plan_test(settings, *arguments, **more)
        verdict = result.verdict.model_copy(update={"outcome": "EVIDENCE", "reason": "separated"})
        return result.model_copy(update={"verdict": verdict, "p_paid": p_paid[settings.batch]})

    return run_fake


def test_evidence_that_does_not_survive_the_correction_is_inconclusive(
    planned: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the level of 0.05, p-values of 0.001 and 0.03 among three audits, of which one broke."""
    monkeypatch.setattr(kinds, "run_plan_test", fake({1: 0.001, 2: 0.03}))
    batch = run_it(planned, write(planned, tiny_model_dir, tests=3))
    first, second, third = batch.audits
    assert (first.status, second.status, third.status) == ("failed", "failed", "broken")
    assert (first.exit_code, second.exit_code, batch.exit_code) == (1, 3, 4)
    assert result_of(planned, first).verdict.outcome == "EVIDENCE"
    result = result_of(planned, second)
    assert (result.verdict.outcome, result.verdict.reason) == ("INCONCLUSIVE", "multiplicity")
    assert result.multiplicity is not None
    assert result.multiplicity.p_adjusted == pytest.approx(0.06)
    assert "1 of which broke" in result.limitations[-1]
    assert "Plant more units" in result.verdict.remediation
    assert third.error == "the model broke"
    assert opened(planned) == 2


def test_a_test_stands_beside_a_check_with_a_gate_of_its_own(planned: Path, tiny_model_dir: Path) -> None:
    for side, start in (("suspect", 0), ("heldout", 200)):
        for number in range(8):
            (planned / side / f"{number}.txt").write_text(sentence(start + number, 0), encoding="utf-8")
    more = (
        "- {name: check, suspect: suspect, heldout: heldout, features: single-pass, permutations: 199, alpha: 0.05}\n"
    )
    batch = run_it(planned, write(planned, tiny_model_dir, tests=1, more=more))
    test, check = batch.audits
    assert (test.kind, check.kind) == ("test", "check")
    assert (test.multiplicity and test.multiplicity.audits, check.error) == (2, "")
    assert test.gate == Gate(expect="no-evidence", fail_on=FAILS["no-evidence"])
    assert run(["verify", str(planned / "out" / "audits" / "check" / "result.json")]) == 0
