"""From states to one of three words, alone and beside a check."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from auditor.forgetting.verdict import decide_series, verdict_with_series
from auditor.membership.verdict import UNCONTROLLED
from auditor.results.forgetting.series import Forgetting
from auditor.results.forgetting.states import STATES
from auditor.results.result import Verdict


def series(
    code: str, reason: str = "some", *, first: str | None = "last", placebo: object = None, clean: bool = True
) -> Forgetting:
    """The parts of a series that a verdict reads; `first` is the checkpoint of the first detection."""
    state = SimpleNamespace(code=code, name=STATES[code].name, sentence="Seen.", reason=reason, remediation="")
    detection = SimpleNamespace(change=SimpleNamespace() if clean and first != "base" else None)
    last = SimpleNamespace(name="last", state=state, placebo=placebo, detection=detection)
    points = (SimpleNamespace(name="base"), last)
    return cast(Forgetting, SimpleNamespace(checkpoints=points, reference=first))


@pytest.mark.parametrize(
    ("code", "word", "validity"),
    [
        ("A", "NO EVIDENCE", "B"),
        ("B", "EVIDENCE", "B"),
        ("C", "EVIDENCE", "B"),
        ("D", "EVIDENCE", "B"),
        ("E", "EVIDENCE", "B"),
        ("F", "NO EVIDENCE", "B"),
        ("G", "EVIDENCE", "B"),
        ("H", "INCONCLUSIVE", "C"),
        ("W", "INCONCLUSIVE", "C"),
    ],
)
def test_every_state_has_its_outcome(code: str, word: str, validity: str) -> None:
    verdict = decide_series(series(code))
    assert (verdict.outcome, verdict.validity_class, verdict.reason) == (word, validity, f"state:{code}")
    assert verdict.not_meaning == STATES[code].not_means


@pytest.mark.parametrize(("reason", "word"), [("share-undefined", "EVIDENCE"), ("not-placed", "EVIDENCE")])
def test_a_detection_that_cannot_be_placed_is_evidence_all_the_same(reason: str, word: str) -> None:
    verdict = decide_series(series("H", reason))
    assert verdict.outcome == word
    assert "inconclusive" not in verdict.sentence
    assert verdict_with_series(alone("NO EVIDENCE"), series("H", reason), "last").outcome == "INCONCLUSIVE"


@pytest.mark.parametrize("reason", ["placebo", "guard:blind", "placebo-recovered", "not-tested", "underpowered"])
def test_a_refused_comparison_is_never_evidence(reason: str) -> None:
    assert decide_series(series("H", reason)).outcome == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("first", "placebo", "grade"),
    [("last", None, "controlled"), (None, None, "controlled"), ("base", None, "no control"), ("base", 1, "controlled")],
)
def test_a_clean_origin_or_a_placebo_is_a_control(first: str | None, placebo: object, grade: str) -> None:
    verdict = decide_series(series("D", first=first, placebo=placebo))
    assert verdict.grade == grade
    assert (UNCONTROLLED in verdict.sentence) == (grade == "no control")


def test_an_origin_at_which_the_test_rejects_is_no_control_though_a_guard_refused_it() -> None:
    assert decide_series(series("D", first="last", clean=False)).grade == "no control"


def test_only_evidence_says_that_there_is_no_control() -> None:
    assert UNCONTROLLED not in decide_series(series("H", first="base")).sentence


def alone(word: str) -> Verdict:
    return Verdict(
        outcome=cast(Any, word),
        reason="r",
        sentence="s",
        not_meaning="n",
        validity_class="B",
        validity="exact if",
        grade="controlled",
    )


@pytest.mark.parametrize(
    ("word", "code", "audited", "told"),
    [
        ("NO EVIDENCE", "E", "last", "INCONCLUSIVE"),
        ("NO EVIDENCE", "D", "last", "INCONCLUSIVE"),
        ("NO EVIDENCE", "A", "last", "NO EVIDENCE"),
        ("NO EVIDENCE", "W", "last", "NO EVIDENCE"),
        ("NO EVIDENCE", "E", None, "NO EVIDENCE"),
        ("EVIDENCE", "E", "last", "EVIDENCE"),
        ("INCONCLUSIVE", "E", "last", "INCONCLUSIVE"),
    ],
)
def test_a_check_does_not_say_no_evidence_beside_a_trace(word: str, code: str, audited: str | None, told: str) -> None:
    verdict = verdict_with_series(alone(word), series(code), audited)
    assert verdict.outcome == told
    assert (verdict.reason == f"series:{code}") == (told != word)
