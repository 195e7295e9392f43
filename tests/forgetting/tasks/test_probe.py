"""The linear probe and its traps: layers chosen on the test set, groups in two folds, scaling with the test rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

from auditor.forgetting.tasks.probe import FOLDS, RIDGES, assign_folds, probe


def _alone(count: int) -> np.ndarray:
    return np.arange(count)


def test_a_class_that_can_be_read_is_found_and_where() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 20)
    layers = rng.normal(size=(80, 3, 30)).astype(np.float32)
    layers[:, 1] += 3 * rng.normal(size=(4, 30))[labels]
    fold = assign_folds(labels, _alone(80), 80, rng)
    found = probe(layers, labels, fold)
    by_layer = found.by_layer.mean(axis=1)
    assert by_layer[1] > 0.95
    assert max(by_layer[0], by_layer[2]) < 0.5
    assert found.correct.mean() > 0.95


@pytest.mark.simulation
def test_random_labels_give_chance_although_the_best_of_many_layers_is_taken() -> None:
    rng = np.random.default_rng(1)
    picked, best = [], []
    for _ in range(30):
        labels = rng.permutation(np.repeat([0, 1], 20))
        layers = rng.normal(size=(40, 13, 16)).astype(np.float32)
        found = probe(layers, labels, assign_folds(labels, _alone(40), 40, rng))
        picked.append(found.correct.mean())
        best.append(found.by_layer.mean(axis=1).max())
    # 1200 documents: three standard errors of chance are 0.043. The best layer seen on the test rows is far above.
    assert abs(np.mean(picked) - 0.5) < 0.043
    assert np.mean(best) > 0.57


def test_random_labels_of_documents_in_groups_give_chance() -> None:
    rng = np.random.default_rng(2)
    scores = []
    for _ in range(15):
        unit = np.repeat(np.arange(20), 4)
        labels = rng.permutation(np.repeat([0, 1], 10))[unit]
        # Documents of a group are nearly the same: a group on both sides of a fold would give its label away.
        layers = (rng.normal(size=(20, 2, 16))[unit] + 0.01 * rng.normal(size=(80, 2, 16))).astype(np.float32)
        scores.append(probe(layers, labels, assign_folds(labels, unit, 20, rng)).correct.mean())
    assert np.mean(scores) < 0.6


def test_folds_keep_groups_whole_and_classes_even() -> None:
    unit = np.repeat(np.arange(30), 3)
    labels = np.repeat([0, 1, 2], 30)
    fold = assign_folds(labels, unit, 30, np.random.default_rng(3))
    assert all(len(set(fold[unit == group])) == 1 for group in range(30))
    for place in range(3):
        assert np.bincount(fold[labels == place], minlength=FOLDS).tolist() == [6] * FOLDS


def test_folds_depend_on_the_seed_alone() -> None:
    labels = np.repeat([0, 1], 10)
    first, second, other = (assign_folds(labels, _alone(20), 20, np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("width", [7, 200])
def test_the_fit_is_ridge_on_rows_scaled_in_training(width: int) -> None:
    rng = np.random.default_rng(6)
    labels = np.repeat([0, 1, 2], 20)
    values = rng.normal(size=(60, width)) * rng.gamma(1, 5, size=width) + rng.normal(size=width)
    values[:, 0] += 20 * labels
    layers = values[:, None].astype(np.float32)
    fold = assign_folds(labels, _alone(60), 60, rng)
    agree = []
    for ridge in RIDGES:
        right = np.zeros(60, dtype=bool)
        for place in range(FOLDS):
            held = fold == place
            scaler = StandardScaler().fit(layers[~held, 0])
            train = scaler.transform(layers[~held, 0])
            # sklearn's penalty is absolute: the mean eigenvalue of the smaller of X'X and XX' is rows x width over it.
            penalty = ridge * train.size / min(train.shape)
            model = RidgeClassifier(alpha=penalty).fit(train, labels[~held])
            right[held] = model.predict(scaler.transform(layers[held, 0])) == labels[held]
        agree.append(right)
    found = probe(layers, labels, fold).by_layer[0]
    # Each fold has the answers of one of the penalties.
    for place in range(FOLDS):
        held = fold == place
        assert any(np.array_equal(found[held], right[held]) for right in agree)


def test_documents_without_states_and_flat_layers_do_no_harm() -> None:
    rng = np.random.default_rng(7)
    labels = np.repeat([0, 1], 15)
    layers = np.zeros((30, 2, 8), dtype=np.float32)
    layers[:, 1] = rng.normal(size=(30, 8)) + 4 * labels[:, None]
    layers[3] = np.nan
    found = probe(layers, labels, assign_folds(labels, _alone(30), 30, rng))
    assert found.correct.mean() > 0.9
    assert 0.3 < found.by_layer[0].mean() < 0.7
