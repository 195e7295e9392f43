"""Measures of the accuracy matrix, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.forgetting.tasks.matrix import matrix_measures

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
