"""The judgement of the gate and the correction over a batch, in every format of a report."""

from __future__ import annotations

import pytest
from support.batch import checked, correction_of, forgotten, gate, with_looks

from auditor.report.gate import correction_sentence, expected, gate_sentence, red_on
from auditor.report.renderer import render, renderers
from auditor.results.forgetting.states import Code
from auditor.results.gate import Gate
from auditor.results.summary import evaluate_gate

pytestmark = pytest.mark.long

FORMS = ("html", "markdown", "text")


def plain(text: str) -> str:
    """Without the line breaks, the references and the typography of a format."""
    for written, meant in (("&#61;", "="), ("&#45;", "-"), ("\N{MINUS SIGN}", "-"), ("&#46;", ".")):
        text = text.replace(written, meant)
    return " ".join(text.split())


@pytest.mark.parametrize("form", FORMS)
def test_both_p_values_and_the_correction_stand_beside_the_verdict(form: str) -> None:
    told = plain(render(checked("NO EVIDENCE", multiplicity=correction_of(0.0123, 0.0861)), form))
    assert "p = 0.0123 before and 0.0861 after the correction over 7 audits (Holm), above the level of 0.05." in told
    assert "hypotheses that can lead to EVIDENCE" not in told


@pytest.mark.parametrize("form", FORMS)
def test_the_p_value_of_a_check_is_held_against_its_level_after_the_correction(form: str) -> None:
    looks = correction_of(0.0123, 0.0861, broken=2)
    result = checked("NO EVIDENCE", multiplicity=looks)
    known = result.model_copy(update={"membership": result.membership.model_copy(update={"p_value": 0.0123})})
    told = plain(render(known, form))
    over = "over 7 audits, 2 of which broke and count with p = 1 (Holm)"
    assert f"0.0861 {over}, above the level of 0.05" in told
    assert f"0.0861 after the correction {over}" in told


@pytest.mark.parametrize("form", FORMS)
def test_a_refused_audit_says_that_it_counts_with_one(form: str) -> None:
    result = checked("INCONCLUSIVE", multiplicity=correction_of(0.0001, 1.0, refused=True))
    small = result.model_copy(update={"membership": result.membership.model_copy(update={"p_value": 0.0001})})
    told = plain(render(small, form))
    assert "p = 0.0001 before and 1.0000 after the correction over 7 audits" in told
    assert "1.0000 over 7 audits (Holm, counted as 1), above the level" in told
    assert "What is not EVIDENCE although its p-value is at or below its level counts with p = 1." in told


def test_the_ways_to_evidence_are_told() -> None:
    assert "The p-value is multiplied by 3, the number of hypotheses that can lead to EVIDENCE." in correction_sentence(
        correction_of(0.012, 0.2, n_hypotheses=3), 0.01
    )


def test_what_is_corrected_in_words() -> None:
    assert correction_of(1, 1, audits=1).over == "1 audit"
    assert correction_of(1, 1, audits=1200, broken=1).over == "1,200 audits, 1 of which broke and counts with p = 1"


@pytest.mark.parametrize("form", FORMS)
def test_outside_a_batch_nothing_is_said_of_one(form: str) -> None:
    told = plain(render(checked("NO EVIDENCE"), form))
    assert "audits (Holm)" not in told
    assert "correction over" not in told


@pytest.mark.parametrize("method", ["holm", "benjamini-hochberg"])
def test_no_p_value_is_rounded_across_its_level(method: str) -> None:
    looks = correction_of(0.0099999, 0.0100001).model_copy(update={"method": method})
    told = correction_sentence(looks, 0.01)
    assert "p = 0.0099999 before and 0.0100001 after" in told
    assert "above the level of 0.01" in told


def test_every_format_names_what_the_gate_fails_on() -> None:
    result = forgotten("D", gate=gate("no-evidence", "evidence", "state D"))
    for form in renderers().keys() - {"json"}:
        assert "evidence, state D fading" in render(result, form), form


def test_a_gate_in_words() -> None:
    assert [expected(Gate(expect=word)) for word in ("no-evidence", "evidence", "any")] == [
        "no evidence",
        "evidence",
        "anything",
    ]
    assert red_on(Gate(fail_on=())) == "nothing"
    both = forgotten("D", gate=gate("no-evidence", "evidence", "state D"))
    assert gate_sentence(both.gate, evaluate_gate(both)) == (
        "Gate failed on EVIDENCE; state D, fading, exit code 1. Expected: no evidence. "
        "It fails on: evidence, state D fading."
    )


@pytest.mark.parametrize(
    ("code", "fail_on", "exit_code"), [("C", ("state C",), 1), ("H", ("state H",), 3), ("C", ("inconclusive",), 3)]
)
def test_a_state_that_is_red_exits_1_where_a_correction_took_its_verdict(
    code: Code, fail_on: tuple[str, ...], exit_code: int
) -> None:
    (one, _) = with_looks([forgotten(code), *[forgotten("A")]], "holm", broken=10**6)
    assert one.verdict.outcome == "INCONCLUSIVE"
    assert evaluate_gate(one.model_copy(update={"gate": gate("any", *fail_on)})).exit_code == exit_code
