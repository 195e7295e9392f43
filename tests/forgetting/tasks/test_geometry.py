"""Cones of classes and angles of neighbours, on layouts whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.forgetting.tasks.geometry import (
    NEIGHBOURS,
    directions,
    neighbour_angles,
    neighbours,
    overlap,
    shuffled_overlap,
)


def _fan(*degrees: float) -> np.ndarray:
    """Unit vectors of a plane at these angles."""
    angle = np.radians(degrees)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def test_cones_by_hand() -> None:
    # Axes at 0, 40 and 180 degrees; of each class the outermost members stand 15 degrees off.
    fan = np.concatenate([_fan(*(axis + np.array([-15.0, -15, 0, 15, 15]))) for axis in (0, 40, 180)])
    labels = np.repeat([0, 1, 2], 5)
    assert overlap(fan, labels) == 0
    # 25 degrees each: 0 and 40 now overlap, one pair of three.
    wide = np.concatenate([_fan(*(axis + np.array([-25.0, -25, 0, 25, 25]))) for axis in (0, 40, 180)])
    assert overlap(wide, labels) == pytest.approx(1 / 3)


def test_separate_classes_overlap_less_than_shuffled_ones() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 25)
    states = (rng.normal(size=(100, 20)) + 6 * rng.normal(size=(4, 20))[labels]).astype(np.float32)
    vectors = directions(states)
    assert overlap(vectors, labels) == 0
    assert shuffled_overlap(vectors, labels, shuffles=5, rng=rng) == 1


def test_a_common_direction_is_taken_out_first() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(3), 20)
    states = rng.normal(size=(60, 10)) + 6 * rng.normal(size=(3, 10))[labels]
    shifted = states + 1000.0
    assert overlap(directions(shifted.astype(np.float32)), labels) == overlap(directions(states), labels) == 0
    # Without it every class lies in one narrow cone, and which pairs overlap is left to rounding.
    raw = shifted / np.linalg.norm(shifted, axis=1, keepdims=True)
    axes = np.stack([raw[labels == place].mean(axis=0) for place in range(3)])
    assert np.degrees(np.arccos(np.clip(axes[0] @ axes[1] / np.prod(np.linalg.norm(axes[:2], axis=1)), -1, 1))) < 2


def test_documents_without_a_direction_are_left_out() -> None:
    states = np.array([[1, 0], [2, 0], [-1, 0], [-2, 0], [np.nan, np.nan]], dtype=np.float32)
    vectors = directions(states)
    assert np.isnan(vectors[4]).all()
    assert overlap(vectors, np.array([0, 0, 1, 1, 1])) == 0


def test_neighbour_angles_are_kept_by_the_same_model_and_lost_in_a_random_one() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1], 60)
    # Members of a class spread along one direction, so neighbours stand at like angles.
    spread = rng.normal(size=(120, 1)) * np.eye(8)[2] * 2
    states = np.where(labels[:, None] == 0, 1, -1) * np.eye(8)[0] * 3 + spread + 0.2 * rng.normal(size=(120, 8))
    start = directions(states.astype(np.float32))
    near = neighbours(start, labels)
    assert neighbour_angles(start, labels, near) > 0.8
    turned = directions((states @ np.linalg.qr(rng.normal(size=(8, 8)))[0]).astype(np.float32))
    assert neighbour_angles(turned, labels, near) == pytest.approx(neighbour_angles(start, labels, near), abs=1e-3)
    mixed = states.copy()
    for place in (0, 1):
        members = np.flatnonzero(labels == place)
        mixed[members] = states[rng.permutation(members)]
    assert abs(neighbour_angles(directions(mixed.astype(np.float32)), labels, near)) < 0.3


def test_neighbours_are_of_the_class_and_never_oneself() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], [40, 12, 7])
    near = neighbours(directions(rng.normal(size=(59, 5)).astype(np.float32)), labels)
    assert near.shape == (59, NEIGHBOURS)
    for document, row in enumerate(near):
        kept = row[row >= 0]
        assert document not in kept
        assert set(labels[kept]) <= {labels[document]}
        # A quarter of the class at most; a class of seven has none.
        assert len(kept) == {0: 10, 1: 3, 2: 0}[labels[document]]


def test_no_class_large_enough() -> None:
    vectors = directions(np.random.default_rng(4).normal(size=(10, 4)).astype(np.float32))
    labels = np.repeat([0, 1], 5)
    assert neighbour_angles(vectors, labels, neighbours(vectors, labels)) is None
