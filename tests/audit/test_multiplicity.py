"""The correction over a batch: which p-values count, what is left of a verdict, and how often it errs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.batch import checked, correction_of, forgotten, with_looks
from support.results import build
from support.series import build_forget

from auditor.batch.kinds import n_hypotheses_of
from auditor.inference.batch_correction import (
    CorrectionEntry,
    correct,
    corrected_verdict,
    correction_entry,
    entered,
    hypotheses,
    rests_on,
)
from auditor.results.correction import Correction
from auditor.results.forgetting.series import ChangeTest
from auditor.results.forgetting.states import STATES
from auditor.results.io import content_digest
from auditor.results.outcome import EXIT_CODES
from auditor.results.result import AuditResult
from auditor.settings import make_series_settings, make_settings


def check_of(p: float, alpha: float = 0.01) -> AuditResult:
    """A `check` whose membership test gave `p`."""
    result = checked("EVIDENCE" if p <= alpha else "NO EVIDENCE")
    return result.model_copy(
        update={
            "membership": result.membership.model_copy(update={"p_value": p}),
            "thresholds": result.thresholds.model_copy(update={"alpha": alpha}),
        }
    )


def refused(p: float) -> AuditResult:
    """A `check` that a guard refuses, though its test gave `p`."""
    result = checked("INCONCLUSIVE")
    membership = result.membership.model_copy(update={"p_value": p})
    return result.model_copy(update={"membership": membership})


def with_last(result: AuditResult, **changed: Any) -> AuditResult:
    assert result.forgetting is not None
    *others, last = result.forgetting.checkpoints
    series = result.forgetting.model_copy(update={"checkpoints": (*others, last.model_copy(update=changed))})
    return result.model_copy(update={"forgetting": series})


def asked_to_relearn(result: AuditResult) -> AuditResult:
    configuration = {**result.manifest.configuration, "series": {"relearn": True}}
    return result.model_copy(update={"manifest": result.manifest.model_copy(update={"configuration": configuration})})


def test_a_check_has_one_hypothesis_also_beside_a_series() -> None:
    result = check_of(0.003)
    assert hypotheses(result) == {"membership": 0.003}
    beside = result.model_copy(update={"forgetting": build_forget().forgetting})
    assert hypotheses(beside) == {"membership": 0.003}
    assert rests_on(beside) == "membership"


def test_a_forget_has_one_for_each_way_to_evidence() -> None:
    result = build_forget(("A", "B", "E"))
    assert result.forgetting is not None
    last = result.forgetting.checkpoints[-1]
    assert last.relearning is not None
    assert last.suspect.did_p_adjusted is not None
    probes = [probe.p_adjusted for probe in last.relearning.probes]
    assert hypotheses(result) == {
        "detection": last.detection.p_adjusted,
        "inversion": max(last.suspect.did_p_adjusted, last.suspect.gap_p_adjusted),
        "recovery": min(probes),
    }


@pytest.mark.parametrize(
    ("changed", "guard", "p_change", "p"),
    [(True, "passed", 0.009, 0.001), (True, "failed", 0.009, 0.009), (False, "passed", 0.0001, 0.001)],
)
def test_a_test_that_a_guard_refused_does_not_stand_for_the_other(
    changed: bool, guard: str, p_change: float, p: float
) -> None:
    """Else a change at the level would enter the correction of a batch as if it were far below."""
    result = forgotten("B")
    assert result.forgetting is not None
    detection = result.forgetting.checkpoints[-1].detection
    change = ChangeTest(p_value=0.00003, p_adjusted=p_change, auc=0.6, mean_z=3.0, p_beyond=0.01, detected=changed)
    guards = (detection.guards[0].model_copy(update={"status": guard}), *detection.guards[1:])
    update = {"detected": True, "p_adjusted": 0.001, "change": change, "guards": guards}
    last = with_last(result, detection=detection.model_copy(update=update))
    assert hypotheses(last)["detection"] == p


def test_both_tests_of_an_inversion_have_to_hold() -> None:
    result = forgotten("G")
    assert result.forgetting is not None
    contrast = result.forgetting.checkpoints[-1].suspect
    for change, gap in ((0.2, 0.001), (0.001, 0.2)):
        update = {"did_p_adjusted": change, "gap_p_adjusted": gap}
        assert hypotheses(with_last(result, suspect=contrast.model_copy(update=update)))["inversion"] == 0.2
    without = with_last(result, suspect=contrast.model_copy(update={"did_p_adjusted": None, "gap_p_adjusted": 0.001}))
    assert hypotheses(without)["inversion"] == 1.0


def test_what_was_asked_for_counts_whether_or_not_it_was_run() -> None:
    """Else a trace that is detected, and so not asked about further, would be corrected for less."""
    result = with_last(forgotten("B"), relearning=None)
    assert set(hypotheses(result)) == {"detection", "inversion"}
    assert hypotheses(asked_to_relearn(result))["recovery"] == 1.0


def test_an_intervention_that_brings_the_placebo_back_too_counts_for_nothing() -> None:
    """It cannot make the state E, so a small p-value of it must not stand for the way by interventions."""
    result = build_forget(("A", "B", "E"))
    assert result.forgetting is not None
    last = result.forgetting.checkpoints[-1]
    assert last.relearning is not None
    level = result.forgetting.thresholds.relearn_alpha
    first, second, *_ = last.relearning.probes
    probes = tuple(
        probe.model_copy(update={"p_adjusted": p, "placebo_p_value": control})
        for probe, p, control in ((first, 0.0001, level), (second, 0.004, None))
    )
    changed = with_last(result, relearning=last.relearning.model_copy(update={"probes": probes}))
    assert hypotheses(changed)["recovery"] == 0.004
    alone = with_last(result, relearning=last.relearning.model_copy(update={"probes": probes[:1]}))
    assert hypotheses(alone)["recovery"] == 1.0


def test_an_audit_brings_one_p_value_that_pays_for_its_ways() -> None:
    assert correction_entry(check_of(0.003)).p_entered == 0.003
    result = asked_to_relearn(forgotten("B"))
    assert result.forgetting is not None
    detection = result.forgetting.checkpoints[-1].detection
    for p, wanted in ((0.0031, 0.0093), (0.4, 1.0)):
        changed = with_last(result, detection=detection.model_copy(update={"p_adjusted": p, "change": None}))
        assert correction_entry(changed).p_entered == pytest.approx(wanted)
    certain = with_last(result, detection=detection.model_copy(update={"p_adjusted": 0.001, "change": None}))
    (looks,) = correct([correction_entry(certain)], "holm")
    assert (looks.n_hypotheses, looks.audits, looks.p_value) == (3, 1, 0.001)
    assert looks.p_entered == looks.p_adjusted == pytest.approx(0.003)


def test_a_detection_brings_the_smaller_of_its_two_corrected_p_values() -> None:
    result = forgotten("B")
    assert result.forgetting is not None
    detection = result.forgetting.checkpoints[-1].detection
    assert detection.change is not None
    for level, change in ((0.2, 0.001), (0.001, 0.2)):
        moved = detection.change.model_copy(update={"p_adjusted": change})
        changed = with_last(result, detection=detection.model_copy(update={"p_adjusted": level, "change": moved}))
        assert hypotheses(changed)["detection"] == 0.001


def test_an_audit_that_is_refused_counts_with_one_whatever_its_p_value() -> None:
    assert refused(0.0001).thresholds.alpha == 0.05
    assert correction_entry(refused(0.0001)) == CorrectionEntry(0.0001, 1, 1.0)
    assert correction_entry(refused(0.05)).p_entered == 1.0
    assert correction_entry(refused(0.2)) == CorrectionEntry(0.2, 1, 0.2)
    # What the correction itself made inconclusive was EVIDENCE, and is asked again when it is verified.
    (lost, _) = with_looks([check_of(0.006), check_of(0.5)], "holm")
    assert lost.verdict.reason == "multiplicity"
    assert correction_entry(lost).p_entered == 0.006


def test_refused_audits_do_not_make_others_evidence() -> None:
    """Benjamini and Hochberg would hold the last of eleven rejections against the whole level."""
    (*_, last) = with_looks([*(refused(0.0001) for _ in range(10)), check_of(0.009)], "benjamini-hochberg")
    assert last.verdict.outcome == "INCONCLUSIVE"
    assert last.multiplicity is not None
    assert last.multiplicity.p_adjusted == pytest.approx(0.099)


def test_audits_that_broke_count() -> None:
    whole = with_looks([check_of(0.004), check_of(0.5)], "holm", broken=1)
    assert [result.verdict.outcome for result in whole] == ["INCONCLUSIVE", "NO EVIDENCE"]
    assert [
        (r.multiplicity.audits, r.multiplicity.broken, r.multiplicity.p_adjusted) for r in whole if r.multiplicity
    ] == [
        (3, 1, pytest.approx(0.012)),
        (3, 1, 1.0),
    ]
    assert "3 audits, 1 of which broke" in whole[0].verdict.sentence
    assert with_looks([], "holm", broken=3) == ()


@pytest.mark.parametrize(
    ("code", "name"),
    [(code, {"E": "recovery", "G": "inversion"}.get(code, "detection")) for code in STATES],
)
def test_what_a_verdict_rests_on(code: Any, name: str) -> None:
    assert rests_on(forgotten(code)) == name


def test_evidence_that_does_not_survive_becomes_inconclusive() -> None:
    results = with_looks([check_of(0.006), check_of(0.5), check_of(0.0001)], "holm")
    assert [result.verdict.outcome for result in results] == ["INCONCLUSIVE", "NO EVIDENCE", "EVIDENCE"]
    corrected = [(looks.p_value, looks.p_adjusted) for result in results if (looks := result.multiplicity)]
    assert corrected == [(0.006, pytest.approx(0.012)), (0.5, 0.5), (0.0001, pytest.approx(0.0003))]


def test_the_words_of_what_is_lost() -> None:
    verdict = checked("EVIDENCE").verdict
    looks = correction_of(0.004, 0.16, 30, n_hypotheses=2, broken=4)
    lost = corrected_verdict(verdict, looks, 0.01)
    assert (lost.outcome, lost.reason, EXIT_CODES[lost.outcome]) == ("INCONCLUSIVE", "multiplicity", 3)
    for said in ("times 2, for as many hypotheses", "0.004", "0.16", "30 audits, 4 of which broke", "Holm", "0.01"):
        assert said in lost.sentence
    assert lost.remediation
    assert (lost.validity_class, lost.validity) == (verdict.validity_class, verdict.validity)
    assert corrected_verdict(lost, looks, 0.01) == lost
    at_the_level = looks.model_copy(update={"p_adjusted": 0.01})
    assert corrected_verdict(verdict, at_the_level, 0.01) == verdict


@pytest.mark.parametrize("word", ["NO EVIDENCE", "INCONCLUSIVE"])
def test_the_other_verdicts_stay(word: Any) -> None:
    verdict = build(word, groups=8).verdict
    looks = correction_of(0.2, 1.0, 9)
    assert corrected_verdict(verdict, looks, 0.01) == verdict


def test_each_result_is_corrected_at_its_own_level_and_sealed_again() -> None:
    results = with_looks([check_of(0.004, alpha=0.05), check_of(0.0024, alpha=0.005), forgotten("A")], "holm")
    assert [result.verdict.outcome for result in results[:2]] == ["EVIDENCE", "INCONCLUSIVE"]
    assert [result.multiplicity.n_hypotheses for result in results if result.multiplicity] == [1, 1, 2]
    assert {result.multiplicity.audits for result in results if result.multiplicity} == {3}
    assert all(result.content_sha256 == content_digest(result) for result in results)
    with pytest.raises(ValueError, match="corrected already"):
        with_looks(results, "holm")


def test_the_other_method() -> None:
    p_values = (0.004, 0.008, 0.0001, 0.9)
    found = [
        r.multiplicity.p_adjusted
        for r in with_looks([check_of(p) for p in p_values], "benjamini-hochberg")
        if r.multiplicity
    ]
    assert found == pytest.approx([0.008, 0.008 * 4 / 3, 0.0004, 0.9])


def test_one_check_alone_is_not_changed_and_nothing_is_nothing() -> None:
    (result,) = with_looks([check_of(0.0099)], "holm")
    assert result.verdict.outcome == "EVIDENCE"
    assert result.multiplicity is not None
    assert result.multiplicity.p_value == result.multiplicity.p_adjusted == 0.0099
    assert with_looks([], "holm") == ()


def null_batch(rng: np.random.Generator, audits: int, alpha: float, method: Correction, *, refuse: int) -> int:
    """How many audits of a batch in which nothing is there come to EVIDENCE.

    Permutation p-values of audits that share texts, so that they depend on each other; every third a `forget` with
    interventions, which are run only where nothing is detected, as in `auditor.forgetting`. Beside them audits that a
    guard refuses though their p-values are tiny.
    """
    from scipy.stats import norm

    shared = rng.standard_normal()
    verdict, no = checked("EVIDENCE").verdict, checked("INCONCLUSIVE").verdict

    def p_value() -> float:
        u = float(norm.sf(0.6 * shared + 0.8 * rng.standard_normal()))
        return float((1 + rng.binomial(9999, u)) / 10_000)

    found: list[float] = []
    brought: list[CorrectionEntry] = []
    for place in range(audits):
        if place % 3:
            found.append(p_value())
            brought.append(CorrectionEntry(found[-1], 1, entered(found[-1], 1, alpha, verdict)))
            continue
        detection, inversion, recovery = p_value(), p_value(), p_value()
        rests = next((p for p in (detection, recovery, inversion) if p <= alpha), detection)
        found.append(rests)
        brought.append(CorrectionEntry(rests, 3, entered(rests, 3, alpha, verdict)))
    brought += [CorrectionEntry(1e-4, 1, entered(1e-4, 1, alpha, no))] * refuse
    looks = correct(brought, method)
    return sum(
        p <= alpha and corrected_verdict(verdict, one, alpha).outcome == "EVIDENCE"
        for p, one in zip(found, looks[:audits], strict=True)
    )


@pytest.mark.simulation
@pytest.mark.parametrize(("method", "refuse"), [("holm", 0), ("benjamini-hochberg", 10)])
def test_twenty_audits_of_nothing_seldom_give_any_evidence(method: Correction, refuse: int) -> None:
    """At most alpha, also of the other method where all are false; without a correction it would be four in ten."""
    alpha, batches, rng = 0.05, 600, np.random.default_rng(11)
    wrong = np.array([null_batch(rng, 20, alpha, method, refuse=refuse) for _ in range(batches)])
    share = float((wrong > 0).mean())
    assert share <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / batches)
    assert share > 0.002  # the simulation could have shown a false one


def test_the_ways_that_are_planned_are_those_that_are_counted() -> None:
    given = {"suspect": "s", "heldout": "h"}
    course = (("base", "a"), ("later", "b"))
    check = make_settings(**given, model="m")
    assert n_hypotheses_of(check) == len(hypotheses(checked("EVIDENCE")))
    forget = make_series_settings(series={"checkpoints": course}, **given)
    assert n_hypotheses_of(forget) == len(hypotheses(forgotten("B")))
    relearn = make_series_settings(series={"checkpoints": course, "relearn": True}, **given)
    assert n_hypotheses_of(relearn) == len(hypotheses(asked_to_relearn(forgotten("B"))))
