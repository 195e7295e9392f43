"""Likeness of states: values worked out by hand, and the traps each measure falls into when taken carelessly."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.forgetting.layers.alignment import cka, nearest, overlap, procrustes, procrustes_chance, shape, u_centred
from auditor.forgetting.layers.states import vary

Array = np.ndarray


def distance(left: Array, right: Array) -> float:
    return procrustes(shape(left), shape(right))


def rotation(width: int, seed: int = 0) -> Array:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))[0]


def states(texts: int, width: int, *, seed: int = 1) -> Array:
    """Anisotropic, as a language model's are: falling variances and a common mean far from zero."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(texts, width)) * np.arange(1, width + 1) ** -1.0 @ rotation(width, seed) + 3.0


def test_procrustes_by_hand() -> None:
    """A cross of four points against one squeezed to a line: singular values (1/2, 0), so 2 - 2 (1/sqrt 2)."""
    cross = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    line = cross * [1.0, 0.0]
    assert distance(cross, line) == pytest.approx(2 - np.sqrt(2))
    assert distance(cross, cross) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("texts", "width"), [(60, 12), (30, 80)])
def test_rotation_shift_and_scale_do_not_count(texts: int, width: int) -> None:
    before = states(texts, width)
    after = 2.5 * before @ rotation(width, 9) + 7.0
    raw = np.linalg.norm(after - before, axis=1) / np.linalg.norm(before, axis=1)
    assert raw.mean() > 1
    assert distance(before, after) == pytest.approx(0.0, abs=1e-6)
    assert overlap(nearest(before, 5), nearest(after, 5)) == 1.0
    assert cka(u_centred(before), u_centred(after)) == pytest.approx(1.0)


def test_distance_equals_what_the_best_rotation_leaves() -> None:
    from scipy.linalg import orthogonal_procrustes

    before, after = states(40, 10), states(40, 10, seed=4)
    left, right = (x - x.mean(axis=0) for x in (before, after))
    left, right = left / np.linalg.norm(left), right / np.linalg.norm(right)
    turn, _ = orthogonal_procrustes(left, right)
    assert distance(before, after) == pytest.approx(np.linalg.norm(left @ turn - right) ** 2)


def test_destroyed_states_are_far_and_keep_no_neighbours() -> None:
    before = states(200, 40)
    noise = np.random.default_rng(5).normal(size=before.shape)
    assert distance(before, noise) > 0.8
    kept = overlap(nearest(before, 10), nearest(noise, 10))
    assert kept == pytest.approx(10 / 199, abs=0.02)


def test_with_few_texts_unrelated_states_look_near_and_chance_says_so() -> None:
    """60 texts in 600 dimensions can nearly be rotated onto any other 60, so only the distance to chance counts."""
    rng = np.random.default_rng(6)
    left, right = (shape(rng.normal(size=(60, 600))) for _ in range(2))
    orders = [np.roll(np.arange(60), shift) for shift in (1, 7)]
    assert procrustes(left, right) < 0.3
    assert procrustes(left, right) == pytest.approx(procrustes_chance(left, right, orders), abs=0.02)
    assert procrustes(left, left) < 1e-6 < procrustes_chance(left, left, orders)


def test_neighbours_by_hand() -> None:
    """Cosine looks at angles about the mean: the far point on the same ray is the neighbour, not the near one."""
    points = np.array([[1.0, 0.0], [9.0, 0.5], [0.0, 1.0], [0.5, 9.0], [-5.0, -5.0], [-5.5, -5.5]])
    points = points - points.mean(axis=0)
    assert nearest(points, 1)[:, 0].tolist() == [1, 0, 3, 2, 5, 4]
    assert nearest(points + 100.0, 1).tolist() == nearest(points, 1).tolist()


def test_overlap_by_hand() -> None:
    left = np.array([[1, 2], [0, 2], [0, 1]])
    right = np.array([[2, 1], [2, 0], [0, 3]])
    assert overlap(left, right) == pytest.approx(5 / 6)


def test_chance_of_neighbours_is_that_of_random_matchings() -> None:
    before = states(50, 8)
    rng = np.random.default_rng(2)
    drawn = [overlap(nearest(before, 5), nearest(before[rng.permutation(50)], 5)) for _ in range(60)]
    assert np.mean(drawn) == pytest.approx(5 / 49, abs=0.01)


def biased_cka(left: Array, right: Array) -> float:
    left, right = left - left.mean(axis=0), right - right.mean(axis=0)
    return float(
        np.linalg.norm(left.T @ right) ** 2 / (np.linalg.norm(left.T @ left) * np.linalg.norm(right.T @ right))
    )


def test_cka_is_not_fooled_by_more_dimensions_than_texts() -> None:
    rng = np.random.default_rng(3)
    values = []
    for _ in range(10):
        left, right = rng.normal(size=(40, 400)), rng.normal(size=(40, 400))
        assert biased_cka(left, right) > 0.85
        values.append(cka(u_centred(left), u_centred(right)))
    assert abs(np.mean([value for value in values if value is not None])) < 0.05


def test_cka_follows_the_estimator_of_song_and_others() -> None:
    """Equation 5 written out term by term."""
    left, right = states(12, 5), states(12, 7, seed=8)

    def hsic(one: Array, other: Array) -> float:
        kernels = []
        for matrix in (one, other):
            kernel = matrix @ matrix.T
            np.fill_diagonal(kernel, 0.0)
            kernels.append(kernel)
        k, m, n, ones = *kernels, 12, np.ones(12)
        last = 2 / (n - 2) * (ones @ k @ m @ ones)
        return float(
            (np.trace(k @ m) + (ones @ k @ ones) * (ones @ m @ ones) / ((n - 1) * (n - 2)) - last) / (n * (n - 3))
        )

    expected = hsic(left, right) / np.sqrt(hsic(left, left) * hsic(right, right))
    assert cka(u_centred(left), u_centred(right)) == pytest.approx(expected)


def test_constant_states_do_not_vary() -> None:
    """The state at a leading token is one vector and rounding noise, of which a careless CKA makes 0.9."""
    rng = np.random.default_rng(0)
    fixed = np.tile(rng.normal(size=64) * 10, (50, 1))
    jitter = (fixed * (1 + 1e-6 * rng.normal(size=fixed.shape))).astype(np.float32).astype(np.float64)
    assert not vary(fixed)
    assert not vary(jitter)
    assert not vary(np.zeros((50, 64)))
    assert vary(fixed + rng.normal(size=fixed.shape))
