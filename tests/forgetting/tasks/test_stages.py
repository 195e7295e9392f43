"""From which checkpoint forgetting is counted, and what follows."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.forgetting.tasks.stages import measures_of, own_checkpoints, pairs_of, splits_of
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.results.forgetting.tasks import TaskPoint


def _right(share: float, documents: int = 100) -> np.ndarray:
    """The first so many documents right."""
    return np.arange(documents) < share * documents


def _point(model: str, observed: float, probe: float, task: str = "t") -> TaskPoint:
    one, two = (Estimate(value=value, low=0, high=1) for value in (observed, probe))
    return TaskPoint(
        model=model,
        task=task,
        observed=one,
        probe=two,
        probe_layers=(),
        overlap=None,
        overlap_shuffled=None,
        neighbour_angles=None,
        class_drift=None,
    )


def test_one_checkpoint_a_task_in_their_order() -> None:
    rows = [[_right(0.5)] * 3] * 2
    assert own_checkpoints(rows) == [1, 2]


def test_otherwise_the_first_before_the_last_that_is_surely_better_than_the_origin() -> None:
    learned = [_right(share) for share in (0.3, 0.6, 0.8, 0.4)]
    noisy = [_right(share) for share in (0.30, 0.32, 0.33, 0.30)]
    late = [_right(share) for share in (0.3, 0.3, 0.3, 0.9)]
    assert own_checkpoints([learned]) == [1]
    assert own_checkpoints([learned, noisy]) == [1, 0]
    assert own_checkpoints([late]) == [0]


def test_checkpoints_that_differ_by_noise_are_not_searched_for_the_best() -> None:
    rng = np.random.default_rng(0)
    found = sum(own_checkpoints([[rng.random(100) < 0.5 for _ in range(6)]]) != [0] for _ in range(300))
    assert found / 300 <= 0.06


def test_splits_by_hand_with_a_head_part_above_the_observed() -> None:
    head = [_point("o", 0.2, 0.5), _point("a", 0.9, 0.8), _point("b", 0.3, 0.9)]
    last = [_point("o", 0.2, 0.5, "u"), _point("a", 0.2, 0.5, "u"), _point("b", 0.9, 0.9, "u")]
    (split,) = splits_of([head, last], [1, 2])
    assert split.task == "t"
    assert split.observed == pytest.approx(0.6)
    assert split.representation == pytest.approx(-0.1)
    assert split.head == pytest.approx(0.7)


def test_no_matrix_says_from_where_forgetting_is_counted() -> None:
    row = [_point(name, 0.5, 0.5) for name in ("o", "a", "b")]
    found = measures_of([row], [1])
    assert found.accuracy is None
    assert "2 checkpoints after the origin for 1 tasks" in found.reason
    assert found.reason.endswith("of 't' from 'a'")


def test_consecutive_pairs_and_the_own_checkpoint_against_the_last_once() -> None:
    task = TaskMeasurements(
        name="t",
        source="x",
        sha256="",
        classes=("a", "b"),
        models=("o", "a", "b", "c"),
        ids=tuple(f"d{i}" for i in range(100)),
        unit=tuple(range(100)),
        observed=(),
        probed=(),
    )
    row = [_right(share) for share in (0.3, 0.8, 0.5, 0.4)]
    names = ["o", "a", "b", "c"]

    def pairs(own: int) -> list[tuple[str, str]]:
        return [(test.earlier, test.later) for test in pairs_of(names, [task], [row], [own])]

    consecutive = [("o", "a"), ("a", "b"), ("b", "c")]
    assert pairs(1) == [*consecutive, ("a", "c")]
    assert pairs(2) == pairs(3) == consecutive
    found = pairs_of(names, [task], [row], [1])
    assert [(test.lost, test.gained) for test in found] == [(0, 50), (30, 0), (10, 0), (40, 0)]
