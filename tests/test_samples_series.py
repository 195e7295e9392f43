"""The bundled series: every checkpoint gets the state that its known history calls for."""

from __future__ import annotations

from pathlib import Path

import pytest

import auditor
from auditor.result import AuditResult

SAMPLES = Path(__file__).parents[1] / "samples"
SERIES = SAMPLES / "series"


def audit(cache: Path, *names: str, relearn: bool = False, placebo: bool = False) -> AuditResult:
    return auditor.forget(
        SERIES / "later.jsonl",
        SAMPLES / "heldout",
        checkpoints={"base": SAMPLES / "model", **{name: SERIES / name for name in names}},
        general=SERIES / "general.jsonl",
        placebo=SAMPLES / "innocent" if placebo else None,
        relearn=relearn,
        layers=False,
        cache_dir=cache,
    )


def states(result: AuditResult) -> dict[str, str]:
    assert result.forgetting is not None
    return {point.name: point.state.code for point in result.forgetting.checkpoints}


@pytest.fixture(scope="module")
def course(sample_cache: Path) -> AuditResult:
    return audit(sample_cache, "acquired", "fading", "wrecked", "suppressed", relearn=True)


def test_each_state_is_told_right(course: AuditResult) -> None:
    assert states(course) == {"base": "A", "acquired": "B", "fading": "D", "wrecked": "W", "suppressed": "E"}
    assert course.forgetting is not None
    assert course.forgetting.reference == "acquired"
    assert (course.verdict.word, course.exit_code) == ("EVIDENCE", 1)


def test_only_what_went_out_of_sight_was_relearned(course: AuditResult) -> None:
    assert course.forgetting is not None
    ran = {point.name for point in course.forgetting.checkpoints if point.relearning is not None}
    assert ran == {"suppressed"}


def test_without_interventions_suppressed_reads_not_tested_and_the_placebo_row_shows_nothing(
    sample_cache: Path,
) -> None:
    result = audit(sample_cache, "acquired", "suppressed", placebo=True)
    assert result.forgetting is not None
    state = result.forgetting.checkpoints[-1].state
    assert (state.code, state.reason) == ("H", "not-tested")
    assert (result.verdict.word, result.exit_code) == ("INCONCLUSIVE", 3)
    for point in result.forgetting.checkpoints:
        assert point.placebo is not None
        assert point.placebo_p_adjusted is not None
        assert point.placebo_p_adjusted > 0.01


def test_a_checkpoint_that_was_never_shown_the_set_is_called_so(sample_cache: Path) -> None:
    result = audit(sample_cache, "never", placebo=True)
    assert states(result) == {"base": "A", "never": "A"}
    assert (result.verdict.word, result.exit_code) == ("NO EVIDENCE", 0)
