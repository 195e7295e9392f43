"""Accuracies with intervals by group."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.forgetting.tasks.intervals import accuracies


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
