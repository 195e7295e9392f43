"""Accuracies with intervals, tests between checkpoints, splits and the accuracy matrix, by hand and in simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from auditor.forgetting.tasks.accuracy import (
    Pair,
    accuracies,
    matrix_measures,
    mcnemar,
    measures_of,
    own_checkpoints,
    paired_tests,
    pairs_of,
    splits_of,
)
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.results.forgetting.tasks import TaskPoint


def test_the_share_of_documents_whatever_their_groups() -> None:
    unit = np.array([0, 0, 0, 1, 2])
    (found,) = accuracies(
        [np.array([True, True, True, False, False])], unit, 3, bootstraps=200, rng=np.random.default_rng(0)
    )
    assert found.value == pytest.approx(0.6)
    assert (found.low, found.high, found.level) == (0.0, 1.0, 0.95)


def test_single_documents_come_near_the_binomial_interval() -> None:
    correct = np.arange(200) < 140
    (found,) = accuracies([correct], np.arange(200), 200, bootstraps=4000, rng=np.random.default_rng(1))
    half = 1.96 * np.sqrt(0.7 * 0.3 / 200)
    assert found.low == pytest.approx(0.7 - half, abs=0.012)
    assert found.high == pytest.approx(0.7 + half, abs=0.012)


def test_groups_that_stand_together_widen_the_interval() -> None:
    correct = np.repeat(np.arange(20) < 12, 10)
    rng = np.random.default_rng(2)
    (alone,) = accuracies([correct], np.arange(200), 200, bootstraps=1000, rng=rng)
    (grouped,) = accuracies([correct], np.repeat(np.arange(20), 10), 20, bootstraps=1000, rng=rng)
    assert grouped.high - grouped.low > 2.5 * (alone.high - alone.low)


def test_all_right_is_no_certainty() -> None:
    found = accuracies(
        [np.ones(20, bool), np.zeros(20, bool)], np.arange(20), 20, bootstraps=50, rng=np.random.default_rng(3)
    )
    # Clopper-Pearson: 0.025 ** (1 / 20).
    assert (found[0].low, found[0].high) == (pytest.approx(0.8316, abs=1e-4), 1.0)
    assert (found[1].low, found[1].high) == (0.0, pytest.approx(0.1684, abs=1e-4))


def test_all_models_share_the_resamples() -> None:
    correct = np.random.default_rng(4).random(50) < 0.5
    one, same, other = accuracies(
        [correct, correct, ~correct], np.arange(50), 50, bootstraps=300, rng=np.random.default_rng(5)
    )
    assert one == same
    assert other.low == pytest.approx(1 - one.high)


def _pair(before: str, after: str, later: str = "b") -> Pair:
    """Right (1) and wrong (0) of documents d0, d1, ..."""
    return Pair(
        "t",
        "a",
        later,
        {f"d{i}": letter == "1" for i, letter in enumerate(before)},
        {f"d{i}": letter == "1" for i, letter in enumerate(after)},
    )


def test_the_p_value_by_hand() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert mcnemar(0, 5) == mcnemar(5, 0)
    # 1 of 6: (1 + 6) of 64 on one side.
    assert mcnemar(5, 1) == pytest.approx(2 * 7 / 64)
    assert mcnemar(3, 3) == 1.0


def test_lost_and_gained_are_not_netted_and_holm_corrects() -> None:
    first, second = paired_tests([_pair("1111111100", "0000000011"), _pair("1111100000", "1111100001", "c")])
    assert (first.lost, first.gained) == (8, 2)
    assert first.p_value == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert first.p_adjusted == pytest.approx(2 * first.p_value)
    assert (second.lost, second.gained, second.p_adjusted) == (0, 1, 1.0)


def test_documents_are_paired_by_id_whatever_their_order() -> None:
    pair = _pair("1100", "1010")
    turned = Pair("t", "a", "b", pair.before, dict(reversed(pair.after.items())))
    assert paired_tests([turned]) == paired_tests([pair])


def test_other_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="same documents"):
        paired_tests([Pair("t", "a", "b", {"d0": True}, {"d1": True})])


def test_no_pairs_no_tests() -> None:
    assert paired_tests([]) == ()


@pytest.mark.simulation
def test_power_where_outcomes_are_paired() -> None:
    # 220 documents, 10 % of the right ones lost and 3 % of the wrong ones gained: a drop of about 5 points.
    rng, runs, documents = np.random.default_rng(0), 1000, 220
    paired = unpaired = 0
    for _ in range(runs):
        before = rng.random(documents) < 0.62
        after = np.where(before, rng.random(documents) >= 0.10, rng.random(documents) < 0.03)
        paired += mcnemar(int((before & ~after).sum()), int((after & ~before).sum())) < 0.05
        one, two = before.mean(), after.mean()
        spread = np.sqrt(one * (1 - one) / (documents - 1) + two * (1 - two) / (documents - 1))
        unpaired += 2 * norm.sf(abs(one - two) / spread) < 0.05
    assert paired / runs > 0.7
    assert unpaired / runs < 0.1


@pytest.mark.simulation
def test_level_under_the_null() -> None:
    rng = np.random.default_rng(1)
    low = sum(mcnemar(int(lost), 30 - int(lost)) < 0.05 for lost in rng.binomial(30, 0.5, size=2000))
    assert low / 2000 < 0.06


HAND = np.array(
    [
        [0.90, 0.30, 0.20, 0.10],
        [0.70, 0.80, 0.40, 0.20],
        [0.75, 0.60, 0.90, 0.30],
        [0.50, 0.70, 0.60, 0.70],
    ]
)
ORIGIN = [0.2, 0.2, 0.3, 0.1]


def test_every_measure_by_hand() -> None:
    found = matrix_measures(HAND, ORIGIN)
    assert found.accuracy == pytest.approx((0.50 + 0.70 + 0.60 + 0.70) / 4)
    assert found.learning_accuracy == pytest.approx((0.90 + 0.80 + 0.90 + 0.70) / 4)
    assert found.backward_transfer == pytest.approx(((0.50 - 0.90) + (0.70 - 0.80) + (0.60 - 0.90)) / 3)
    assert found.forward_transfer == pytest.approx(((0.30 - 0.2) + (0.40 - 0.3) + (0.30 - 0.1)) / 3)
    assert found.forgetting_chaudhry == pytest.approx(((0.90 - 0.50) + (0.80 - 0.70) + (0.90 - 0.60)) / 3)
    assert found.forgetting_clipped == found.forgetting_chaudhry
    assert "origin" in found.reason


def test_learning_accuracy_and_backward_transfer_make_the_accuracy() -> None:
    matrix = np.random.default_rng(0).random((6, 6))
    found = matrix_measures(matrix, [0.0] * 6)
    assert found.accuracy == pytest.approx(found.learning_accuracy + found.backward_transfer * 5 / 6)


def test_positive_transfer_has_three_different_signs() -> None:
    matrix = np.array([[0.50, 0.10, 0.10], [0.52, 0.60, 0.10], [0.56, 0.63, 0.70]])
    found = matrix_measures(matrix, [0.1] * 3)
    assert found.backward_transfer == pytest.approx((0.06 + 0.03) / 2)
    assert found.forgetting_chaudhry == pytest.approx(((0.52 - 0.56) + (0.60 - 0.63)) / 2)
    assert found.forgetting_chaudhry < 0
    assert found.forgetting_clipped == 0


def test_the_last_but_one_task_and_stage_count() -> None:
    # A loop over range(T - 2), as one library had it, leaves out both and finds 0 for two tasks.
    two = matrix_measures(np.array([[0.9, 0.1], [0.3, 0.8]]), [0.1, 0.1])
    assert two.forgetting_chaudhry == pytest.approx(0.6)
    three = matrix_measures(np.array([[0.5, 0.1, 0.1], [0.9, 0.8, 0.1], [0.4, 0.3, 0.9]]), [0.1] * 3)
    assert three.forgetting_chaudhry == pytest.approx(((0.9 - 0.4) + (0.8 - 0.3)) / 2)


def test_stages_before_a_task_count_for_the_clipped_measure_alone() -> None:
    matrix = np.array([[0.6, 0.9, 0.1], [0.6, 0.5, 0.1], [0.6, 0.5, 0.7]])
    found = matrix_measures(matrix, [0.1] * 3)
    assert found.forgetting_chaudhry == 0
    assert found.forgetting_clipped == pytest.approx((0 + 0.4) / 2)


def test_one_task_has_no_transfer() -> None:
    found = matrix_measures(np.array([[0.75]]), [0.5])
    assert (found.accuracy, found.learning_accuracy) == (0.75, 0.75)
    assert found.backward_transfer is found.forward_transfer is found.forgetting_chaudhry is None
    assert "one task" in found.reason


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


@pytest.mark.simulation
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
