"""Geometry of the classes of a task in the last layer: overlap of class cones, and stability of neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auditor.inference.design import Floats, Ints

INNER = 0.95
"""Share of the members of a class inside its cone."""
NEIGHBOURS = 10
_FEWEST_NEIGHBOURS = 2


@dataclass(frozen=True, slots=True)
class Geometry:
    """Figures of hidden states of one task under one model; see `auditor.results.forgetting.tasks.TaskPoint`."""

    probe_layers: tuple[float, ...]
    overlap: float | None
    overlap_shuffled: float | None
    neighbour_angles: float | None
    class_drift: float | None


NO_GEOMETRY = Geometry((), None, None, None, None)


def directions(states: npt.NDArray[np.float32]) -> Floats:
    """Unit vectors [documents, width] of mean hidden states about their common mean; NaN for documents without states.

    Hidden states of language models lie in one narrow cone, in which all classes overlap; centring removes it.
    """
    values = states.astype(np.float64)
    present = ~np.isnan(values).any(axis=1)
    if present.any():
        values = values - values[present].mean(axis=0)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    unit: Floats = np.divide(values, length, out=np.full_like(values, np.nan), where=length > 0)
    return unit


def overlap(vectors: Floats, labels: Ints) -> float | None:
    """Share of class pairs whose cones overlap.

    The axis of a class's cone is its mean direction, and its half-width holds 95 % of its members; two cones overlap
    where the angle between their axes is less than the sum of their half-widths. Approximates the optimal cones of Tao
    et al. 2023, section 4.1. Axis and width come from the same members, so compare the figure with that of shuffled
    labels.

    Args:
        vectors: [documents, width] of `directions`.
        labels: [documents] classes from 0.

    Returns:
        From 0 to 1; None where a class has no direction.
    """
    has_value = ~np.isnan(vectors).any(axis=1)
    vectors, labels, classes = vectors[has_value], labels[has_value], int(labels.max()) + 1
    axes, widths = np.empty((classes, vectors.shape[1])), np.empty(classes)
    for index in range(classes):
        members = vectors[labels == index]
        mean = members.sum(axis=0)
        length = float(np.linalg.norm(mean))
        if length == 0:
            return None
        axes[index] = mean / length
        widths[index] = np.arccos(np.clip(np.quantile(members @ axes[index], 1 - INNER), -1, 1))
    first, second = np.triu_indices(classes, k=1)
    between = np.arccos(np.clip((axes[first] * axes[second]).sum(axis=1), -1, 1))
    return float(np.mean(between < widths[first] + widths[second]))


def shuffled_overlap(vectors: Floats, labels: Ints, *, shuffles: int, rng: np.random.Generator) -> float | None:
    """Mean of `overlap` over random permutations of the labels among the documents."""
    values = [overlap(vectors, rng.permutation(labels)) for _ in range(shuffles)]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def neighbours(vectors: Floats, labels: Ints) -> Ints:
    """Nearest documents of the same class by cosine.

    Ten, or a quarter of the class where that is fewer: with nearly all others as neighbours, their mean would be the
    class mean without the document, which falls where the document rises, whatever the model does.

    Args:
        vectors: [documents, width] of `directions` at the origin.
        labels: [documents] classes from 0.

    Returns:
        [documents, NEIGHBOURS] indices, padded with -1; all -1 in classes of fewer than eight documents.
    """
    nearest = np.full((len(labels), NEIGHBOURS), -1, dtype=np.intp)
    known = ~np.isnan(vectors).any(axis=1)
    for index in range(int(labels.max()) + 1):
        members = np.flatnonzero((labels == index) & known)
        count = min(NEIGHBOURS, len(members) // 4)
        if count < _FEWEST_NEIGHBOURS:
            continue
        near = vectors[members] @ vectors[members].T
        np.fill_diagonal(near, -np.inf)
        nearest[members, :count] = members[np.argsort(-near, axis=1, kind="stable")[:, :count]]
    return nearest


def neighbour_angles(vectors: Floats, labels: Ints, near: Ints) -> float | None:
    """Correlation of the angle to the class mean between documents and their neighbours at the origin.

    Pearson correlation, within classes, of each document's cosine to the mean direction of its class with the mean
    cosine of its neighbours (Tao et al. 2023, Table 1, there class by class). About 0 for neighbours drawn at random.

    Args:
        vectors: [documents, width] of `directions` at the later checkpoint.
        labels: [documents] classes from 0.
        near: [documents, NEIGHBOURS] of `neighbours` at the origin.

    Returns:
        From -1 to 1; None where no class is large enough or nothing varies.
    """
    own, theirs = [], []
    for index in range(int(labels.max()) + 1):
        members = np.flatnonzero((labels == index) & (near[:, 0] >= 0) & ~np.isnan(vectors).any(axis=1))
        if not len(members):
            continue
        axis = vectors[members].sum(axis=0)
        length = float(np.linalg.norm(axis))
        cosine = vectors @ (axis / length if length else axis)
        around = np.where(near[members] >= 0, cosine[near[members]], np.nan)
        mean = np.nanmean(around, axis=1)
        own.append(cosine[members] - cosine[members].mean())
        theirs.append(mean - mean.mean())
    if not own:
        return None
    first, second = np.concatenate(own), np.concatenate(theirs)
    spread = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.clip(first @ second / spread, -1, 1)) if spread > 0 else None
