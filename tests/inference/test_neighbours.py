from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest

from auditor.inference.neighbours import nearest, neighbour_test


def clusters(rng: np.random.Generator, books: int, pieces: int) -> np.ndarray:
    """Pieces of books: each book points its own way."""
    return np.repeat(rng.normal(size=(books, 10)), pieces, axis=0) + 0.3 * rng.normal(size=(books * pieces, 10))


def test_nearest_by_hand():
    found = nearest(np.array([[1.0, 0.0], [2.0, 0.1], [0.0, 1.0], [0.1, 3.0]]), 1)
    assert found.ravel().tolist() == [1, 0, 3, 2]


def test_nearest_agrees_with_all_distances_whatever_the_blocks():
    points = np.random.default_rng(0).normal(size=(600, 5))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -np.inf)
    expected = np.sort(np.argsort(-likeness, axis=1)[:, :3], axis=1)
    np.testing.assert_array_equal(np.sort(nearest(points, 3), axis=1), expected)


def test_books_dealt_whole_to_a_side_are_found():
    rng = np.random.default_rng(1)
    points = clusters(rng, 40, 5)
    found = neighbour_test(points, np.repeat(np.arange(40) % 2 == 0, 5), rng=rng, permutations=199)
    assert found.p_value == 0.005
    assert found.same > 0.8
    assert found.expected == pytest.approx(0.5, abs=0.02)


@pytest.mark.simulation
def test_documents_dealt_one_by_one_are_not_however_clustered():
    rng = np.random.default_rng(2)
    points = clusters(rng, 20, 5)
    p = [
        neighbour_test(points, rng.permutation(np.arange(100) < 50), rng=rng, permutations=99).p_value
        for _ in range(200)
    ]
    # The p-value steps by 0.01 and has ties; jitter within a step makes it continuous.
    assert kstest(np.array(p) - rng.uniform(0, 0.01, 200), "uniform").pvalue > 0.001
    assert np.mean(np.array(p) <= 0.05) <= 0.1
