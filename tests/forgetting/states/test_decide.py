"""Each state from the figures that make it, in the order in which they are tried."""

from __future__ import annotations

import re
from typing import Any

import pytest

from auditor.forgetting.states.decide import decide_state, worth_relearning
from auditor.forgetting.states.findings import CheckpointFindings
from auditor.results.forgetting.contrast import Contrast, Equivalence, Events
from auditor.results.forgetting.drift import UtilityLoss
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.relearning import Probe, ProbePoint, Relearning
from auditor.results.forgetting.series import ChangeTest, Detection, State
from auditor.results.guards import GuardResult
from auditor.results.policy import Policy
from auditor.results.separability import Interval


def about(value: float, spread: float = 0.02) -> Estimate:
    return Estimate(value=value, low=value - spread, high=value + spread)


def guard(name: str, status: str = "passed") -> GuardResult:
    return GuardResult(
        name=name, question="?", status=status, reason=f"The {name} saw it.", remediation="Mend.", blind_spots="-"
    )


def detection(p: float, *, failed: tuple[str, ...] = (), detectable: float | None = 0.6) -> Detection:
    guards = tuple(
        guard(name, "failed" if name in failed else "passed") for name in ("blind", "direction", "excess", "numerics")
    )
    return Detection(
        p_value=p,
        p_adjusted=p,
        auc=0.6,
        auc_interval=Interval(low=0.5, high=0.7),
        mean_z=1.0,
        detectable_auc=detectable,
        change=None,
        detected=p <= 0.01 and not failed,
        guards=guards,
    )


def contrast(
    *,
    gap: float = 0.0,
    gap_p: float = 0.5,
    auc: float = 0.5,
    share: float | None = None,
    did_p: float | None = 0.5,
    equivalent: bool = True,
) -> Contrast:
    return Contrast(
        documents=200,
        groups=200,
        loss=about(2.0),
        change=None,
        gap=about(gap),
        gap_p_value=gap_p,
        gap_p_adjusted=gap_p,
        effect_size=about(0.5 if share is None else 0.5 * share),
        auc=about(auc),
        trace=about(abs(2 * auc - 1)),
        retained=None if share is None else about(share),
        difference_in_differences=None if did_p is None else about(-gap),
        did_p_value=did_p,
        did_p_adjusted=did_p,
        memorisation=(),
        equivalence=Equivalence(
            p_value=0.01 if equivalent else 0.3,
            p_adjusted=0.02 if equivalent else 0.4,
            margin=0.1,
            margin_d=0.3,
            equivalent=equivalent,
            detectable_gap=0.1,
            detectable_d=0.35,
        ),
        events=Events(memorised=0, forgotten=0, learned=0, events=0, expected=10.0),
    )


def relearning(*, recovered: bool, name: str = "reminder", placebo: float = 0.5) -> Relearning:
    points = tuple(
        ProbePoint(
            steps=u, suspect=about(2), heldout=about(2), gap=about(0.1), auc=about(0.5 + u / 50), placebo_gap=None
        )
        for u in (0, 5)
    )
    p = 0.0004 if recovered else 0.4
    probe = Probe(
        name=name,
        method="full",
        points=points,
        after_p_value=p,
        rise_p_value=p,
        p_value=p,
        p_adjusted=p,
        placebo_p_value=placebo,
        recovered=recovered and placebo > 0.01,
    )
    return Relearning(probes=(probe,), not_run=(), budget="short")


def utility(*, collapsed: bool) -> UtilityLoss:
    return UtilityLoss(measured_on="general", ratio=about(2.0 if collapsed else 1.0), limit=1.25, collapsed=collapsed)


KNOWN: dict[str, Any] = {
    "name": "later",
    "position": 1,
    "reference": 0,
    "detection": detection(0.5),
    "suspect": contrast(),
    "utility_loss": utility(collapsed=False),
    "relearning": None,
    "whole": ("entry", contrast(gap=0.2)),
    "n_checkpoints": 3,
}


def state(**given: Any) -> State:
    return decide_state(CheckpointFindings(**{**KNOWN, **given}), Policy(), ForgettingPolicy())


FOUND = detection(0.0001)
CHANGED = ChangeTest(p_value=0.0005, p_adjusted=0.001, auc=0.5, mean_z=0.1, p_beyond=0.5, detected=False)
WORSE = contrast(gap=-0.2, gap_p=0.001, auc=0.3, did_p=0.001)


@pytest.mark.parametrize(
    ("given", "code", "reason"),
    [
        ({"reference": None}, "A", "never-detected"),
        ({"reference": 2}, "A", "never-detected"),
        ({"reference": 1, "detection": FOUND, "suspect": contrast(gap=0.2, did_p=0.001)}, "B", "detected-first"),
        ({"position": 0, "detection": FOUND, "utility_loss": None}, "C", "detected-whole"),
        ({"detection": FOUND, "suspect": contrast(share=0.8)}, "C", "detected-whole"),
        ({"detection": FOUND, "suspect": contrast(share=1.4)}, "C", "detected-whole"),
        ({"detection": FOUND, "suspect": contrast(share=0.79)}, "D", "detected-less"),
        ({"relearning": relearning(recovered=True)}, "E", "recovered"),
        ({"relearning": relearning(recovered=False)}, "F", "equivalent"),
        ({"suspect": WORSE}, "G", "inverted"),
        ({"suspect": WORSE, "placebo": contrast()}, "G", "inverted"),
        ({"utility_loss": utility(collapsed=True)}, "W", "collapsed"),
        (
            {"utility_loss": utility(collapsed=True), "detection": detection(0.5, failed=("numerics",))},
            "W",
            "collapsed",
        ),
        ({}, "H", "not-tested"),
        ({"reference": None, "detection": detection(0.5, detectable=0.7)}, "H", "underpowered"),
        ({"reference": None, "detection": detection(0.5, detectable=None)}, "H", "underpowered"),
        ({"relearning": relearning(recovered=False), "suspect": contrast(equivalent=False)}, "H", "not-equivalent"),
        ({"detection": FOUND, "suspect": contrast(share=None)}, "H", "share-undefined"),
        ({"reference": 1, "detection": FOUND, "suspect": contrast(gap=0.2, did_p=0.9)}, "H", "not-placed"),
        ({"reference": 1, "detection": FOUND, "suspect": contrast(gap=-0.2, did_p=0.001)}, "H", "not-placed"),
        ({"suspect": WORSE, "relearning": relearning(recovered=False)}, "G", "inverted"),
        (
            {"suspect": contrast(gap=0.2, gap_p=0.001), "relearning": relearning(recovered=False)},
            "H",
            "gap-alone",
        ),
        ({"reference": None, "relearning": relearning(recovered=True, placebo=0.005)}, "H", "placebo-recovered"),
        ({"reference": None, "n_checkpoints": 2}, "A", "never-detected"),
        ({"reference": None, "n_checkpoints": 2, "detection": detection(0.5, detectable=0.7)}, "H", "underpowered"),
        (
            {"reference": 1, "detection": FOUND, "clean_before": False, "suspect": contrast(gap=0.2, did_p=0.001)},
            "H",
            "not-placed",
        ),
        ({"placebo_p": 0.001, "reference": None}, "H", "placebo"),
        ({"placebo_p": 0.01, "reference": None}, "A", "never-detected"),
        ({"relearning": relearning(recovered=True, placebo=0.005)}, "H", "placebo-recovered"),
        ({"relearning": relearning(recovered=False, name="quantise")}, "H", "not-tested"),
        ({"relearning": relearning(recovered=True, name="quantise")}, "E", "recovered"),
        ({"reference": None, "relearning": relearning(recovered=True)}, "E", "recovered"),
        ({"reference": None, "relearning": relearning(recovered=False)}, "A", "never-detected"),
        ({"reference": None, "suspect": contrast(gap=0.2, gap_p=0.001)}, "H", "gap-alone"),
        (
            {"detection": detection(0.0001, failed=("excess",)), "relearning": relearning(recovered=False)},
            "H",
            "guard:excess",
        ),
        (
            {"detection": detection(0.0001, failed=("direction",)), "relearning": relearning(recovered=True)},
            "E",
            "recovered",
        ),
        (
            {"suspect": WORSE, "placebo": contrast(gap=-0.2, gap_p=0.001, auc=0.3, did_p=0.001)},
            "H",
            "gap-alone",
        ),
        ({"detection": detection(0.0001, failed=("blind",)), "reference": 1}, "H", "guard:blind"),
        ({"detection": detection(0.0001, failed=("direction",)), "reference": None}, "H", "guard:direction"),
        ({"detection": detection(0.5, failed=("numerics",))}, "H", "guard:numerics"),
    ],
)
def test_each_state_has_its_figures(given: dict[str, Any], code: str, reason: str) -> None:
    found = state(**given)
    assert (found.code, found.reason) == (code, reason)
    assert [condition.code for condition in found.conditions] == list("WABCDEFGH")
    assert [condition.code for condition in found.conditions if condition.status == "met"] == [code]
    assert found.figures


def test_without_interventions_suppressed_and_gone_are_not_tested() -> None:
    statuses = {condition.code: condition.status for condition in state().conditions}
    assert statuses["E"] == statuses["F"] == "not tested"
    assert "--relearn" in state().remediation


def test_at_the_last_checkpoint_suppression_that_was_not_asked_for_reads_not_tested() -> None:
    statuses = {c.code: c.status for c in state(reference=None, n_checkpoints=2).conditions}
    assert (statuses["A"], statuses["E"], statuses["F"]) == ("met", "not tested", "not met")


def test_how_many_documents_are_wanted_depends_on_how_many_there_are() -> None:
    given = {"relearning": relearning(recovered=False), "suspect": contrast(equivalent=False)}
    assert "about" in state(**given).remediation
    many = {**given, "suspect": contrast(equivalent=False).model_copy(update={"groups": 2000})}
    assert "near the margin" in state(**many).remediation


def test_a_set_that_scores_worse_from_the_start_is_not_called_over_corrected() -> None:
    found = state(reference=None, suspect=contrast(gap=-0.2, gap_p=0.001, auc=0.3, did_p=0.6))
    assert found.code == "A"


def test_a_collapsed_model_that_shows_the_trace_is_not_excused() -> None:
    found = state(utility_loss=utility(collapsed=True), detection=FOUND, suspect=contrast(share=0.5))
    assert found.code == "D"


def test_a_gap_that_keeps_its_bits_and_loses_its_deviations_is_fading() -> None:
    spread = contrast(share=0.9).model_copy(update={"effect_size": about(0.3)})
    found = state(detection=FOUND, suspect=spread)
    assert found.code == "D"
    assert "0.60 of its Cohen's d" in found.sentence


@pytest.mark.parametrize(
    ("given", "last", "asked"),
    [
        ({}, False, True),
        ({"reference": None}, False, False),
        ({"reference": None}, True, True),
        ({"detection": FOUND}, True, False),
        ({"utility_loss": utility(collapsed=True)}, True, False),
        ({"detection": detection(0.5, failed=("blind",))}, True, False),
        ({"placebo_p": 0.001}, True, False),
    ],
)
def test_interventions_run_where_a_trace_went_out_of_sight_and_at_the_last(
    given: dict[str, Any], last: bool, asked: bool
) -> None:
    assert (
        worth_relearning(
            CheckpointFindings(**{**KNOWN, "n_checkpoints": 2 if last else 3, **given}), ForgettingPolicy()
        )
        is asked
    )


def test_inverted_without_a_detection_is_still_over_corrected() -> None:
    found = state(reference=None, suspect=contrast(gap=-0.2, gap_p=0.001, auc=0.3, did_p=0.001))
    assert found.code == "G"


@pytest.mark.parametrize(
    ("undetected", "sentence"),
    [
        (detection(0.5), "no longer distinguishable from unseen data"),
        (detection(0.001, failed=("direction",)), r"not in the direction of training \(direction guard failed\)"),
        (detection(0.001).model_copy(update={"detected": False}), "the placebo set stands out too"),
        (detection(0.5).model_copy(update={"change": CHANGED}), "changed since the origin otherwise than"),
    ],
)
def test_suppressed_says_what_shows_without_an_intervention(undetected: Detection, sentence: str) -> None:
    conditions = state(detection=undetected, relearning=relearning(recovered=True)).conditions
    (suppressed,) = (condition for condition in conditions if condition.code == "E")
    assert suppressed.status == "met"
    assert re.search(sentence, suppressed.reason)
