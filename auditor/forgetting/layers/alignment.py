"""Similarity of the hidden states of the same texts under two models, invariant to rotation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh, svdvals

from auditor.inference.design import Floats, Ints


def _unit(matrix: Floats) -> Floats:
    """Centred rows [rows, width], divided by their Frobenius norm."""
    centred = matrix - matrix.mean(axis=0)
    unit: Floats = centred / np.linalg.norm(centred)
    return unit


def shape(matrix: Floats) -> Floats:
    """Coordinates of rows [rows, width] up to rotation, centred and with Frobenius norm 1.

    Returns:
        [rows, at most the smaller of rows and width]; inner products between rows equal those of the centred rows.
    """
    unit = _unit(matrix)
    if unit.shape[1] <= unit.shape[0]:
        return unit
    values, vectors = eigh(unit @ unit.T)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), dtype=np.float64)


def procrustes(left: Floats, right: Floats) -> float:
    """Procrustes distance between two shapes of the same texts [texts, any width]; see `shape`.

    Squared Frobenius distance after the best rotation or reflection of one onto the other, 2 less twice the nuclear
    norm of X'Y: from 0, the same shape, to 2. With fewer texts than dimensions a rotation fits unrelated states in
    part: compare with `procrustes_chance`.

    Source: Ding, Denain and Steinhardt 2021, section 2.
    """
    return float(np.clip(2.0 - 2.0 * svdvals(left.T @ right).sum(), 0.0, 2.0))


def procrustes_chance(left: Floats, right: Floats, orders: Sequence[Ints]) -> float:
    """Mean Procrustes distance with the texts of one side permuted: the distance of unrelated states."""
    return float(np.mean([procrustes(left, right[order]) for order in orders]))


def nearest(matrix: Floats, neighbours: int) -> Ints:
    """Nearest neighbours of each text [texts, width] by cosine, after centring over the texts.

    All texts share a large component in a language model, so uncentred cosines are all near 1.

    Returns:
        [texts, neighbours] indices.
    """
    centred = matrix - matrix.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    return np.asarray(np.argsort(-cosines, axis=1, kind="stable")[:, :neighbours], dtype=np.intp)


def overlap(left: Ints, right: Ints) -> float:
    """Mean share of common neighbours, from the neighbours [texts, neighbours] under two models.

    Its mean under a random matching of texts is exactly neighbours / (texts - 1).
    """
    shared = (left[:, :, None] == right[:, None, :]).any(axis=2)
    return float(shared.mean())


def u_centred(matrix: Floats) -> Floats:
    """U-centred linear kernel [texts, texts] of states [texts, width].

    Its diagonal is zero and every row sums to zero, which removes the bias of n texts in d > n dimensions.

    Source: Song, Smola, Gretton, Bedo and Borgwardt 2012, equation 5, as Székely and Rizzo 2014 write it.
    """
    count = len(matrix)
    kernel = _unit(matrix) @ _unit(matrix).T
    np.fill_diagonal(kernel, 0.0)
    sums = kernel.sum(axis=1)
    kernel -= (sums[:, None] + sums[None, :]) / (count - 2) - sums.sum() / ((count - 1) * (count - 2))
    np.fill_diagonal(kernel, 0.0)
    return kernel


def cka(left: Floats, right: Floats) -> float | None:
    """Linear centred kernel alignment of two U-centred kernels [texts, texts], with unbiased estimates of HSIC.

    Returns:
        From -1 to 1: 1 for the same shape, about 0 for unrelated states of any number and width; None where a kernel
        is zero.

    Source: Kornblith, Norouzi, Lee and Hinton 2019, section 3; unbiased as in Nguyen, Raghu and Kornblith 2021.
    """
    norm = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(np.clip((left * right).sum() / norm, -1.0, 1.0)) if norm > 0 else None
