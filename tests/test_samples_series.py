"""The bundled series: every checkpoint gets the state that its known history calls for."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.golden import differences
from support.paths import SAMPLES

import auditor
from auditor.forgetting.relearn.budget import Budget
from auditor.results.result import AuditResult

SERIES = SAMPLES / "series"


HALF = 100
"""Documents a side of the runs that train: enough for every state but A, which asks for more power."""

ENOUGH = 140
"""Documents a side that give the power to say that nothing was ever seen; 110 do not."""

SHORT = Budget(half_steps=(10,), reminder_steps=(10,))
"""Half of the training and one scoring in each: enough to recover what was suppressed."""

COURSE = ("acquired", "fading", "collapsed", "suppressed")


def audit(
    cache: Path, *names: str, relearn: bool = False, placebo: bool = False, limit: int | None = None
) -> AuditResult:
    return auditor.forget(
        SERIES / "later.jsonl",
        SAMPLES / "heldout",
        checkpoints={"base": SAMPLES / "model", **{name: SERIES / name for name in names}},
        general=SERIES / "general.jsonl",
        placebo=SAMPLES / "innocent" if placebo else None,
        relearn=relearn,
        layers=False,
        limit=limit,
        cache_dir=cache,
    )


def states(result: AuditResult) -> dict[str, str]:
    assert result.forgetting is not None
    return {point.name: point.state.code for point in result.forgetting.checkpoints}


@pytest.fixture(scope="module")
def course(sample_cache: Path) -> AuditResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.forgetting.measure.Budget", lambda: SHORT)
        return audit(sample_cache, *COURSE, relearn=True, limit=HALF)


def tells_the_course(result: AuditResult, *, base: str) -> None:
    assert states(result) == {"base": base, "acquired": "B", "fading": "D", "collapsed": "W", "suppressed": "E"}
    assert result.forgetting is not None
    assert result.forgetting.reference == "acquired"
    assert (result.verdict.outcome, result.exit_code) == ("EVIDENCE", 1)


def test_each_state_is_told_right(course: AuditResult) -> None:
    tells_the_course(course, base="H")
    assert course.forgetting is not None
    assert course.forgetting.checkpoints[0].state.reason == "underpowered"


def test_no_figure_is_other_than_it_was(course: AuditResult) -> None:
    assert differences("forget-short", course.model_dump(mode="json")) == []


@pytest.mark.slow
def test_no_figure_of_the_whole_budget_is_other_than_it_was(sample_cache: Path) -> None:
    result = audit(sample_cache, *COURSE, relearn=True, limit=HALF)
    tells_the_course(result, base="H")
    assert differences("forget", result.model_dump(mode="json")) == []


@pytest.mark.slow
def test_each_state_is_told_right_with_all_documents(sample_cache: Path) -> None:
    tells_the_course(audit(sample_cache, *COURSE, relearn=True), base="A")


def test_only_what_went_out_of_sight_was_relearned(course: AuditResult) -> None:
    assert course.forgetting is not None
    ran = {point.name for point in course.forgetting.checkpoints if point.relearning is not None}
    assert ran == {"suppressed"}


def test_without_interventions_suppressed_reads_not_tested_and_the_placebo_row_shows_nothing(
    sample_cache: Path,
) -> None:
    result = audit(sample_cache, "acquired", "suppressed", placebo=True, limit=HALF)
    assert result.forgetting is not None
    state = result.forgetting.checkpoints[-1].state
    assert (state.code, state.reason) == ("H", "not-tested")
    assert (result.verdict.outcome, result.exit_code) == ("INCONCLUSIVE", 3)
    for point in result.forgetting.checkpoints:
        assert point.placebo is not None
        assert point.placebo_p_adjusted is not None
        assert point.placebo_p_adjusted > 0.01


@pytest.mark.parametrize("limit", [ENOUGH, pytest.param(None, marks=pytest.mark.slow)])
def test_a_checkpoint_that_was_never_shown_the_set_is_called_so(limit: int | None, sample_cache: Path) -> None:
    result = audit(sample_cache, "never", placebo=True, limit=limit)
    assert states(result) == {"base": "A", "never": "A"}
    assert (result.verdict.outcome, result.exit_code) == ("NO EVIDENCE", 0)
