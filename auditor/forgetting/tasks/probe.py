"""The linear probe: what of a task can be read off the hidden states, whatever the head does with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_factor, cho_solve

from auditor.inference.threads import one_blas_thread

FOLDS = 5
RIDGES = (1.0, 0.1, 0.01)
"""Ridge penalties in units of the mean eigenvalue of the training rows' covariance, the strongest first, so that it is
chosen where several do equally well."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Probed:
    """Whether the probe names each document's class from the other folds.

    Attributes:
        correct: [documents] with the layer chosen without the document's fold.
        by_layer: [layers, documents] of each layer.
    """

    correct: Bools
    by_layer: Bools


def assign_folds(labels: Ints, unit: Ints, units: int, rng: np.random.Generator) -> Ints:
    """The fold [documents] of each document: groups whole, classes spread evenly, the rest by chance.

    Groups are dealt out in turn after sorting them by the class most of their documents have. The folds look at the
    labels, which would spoil a permutation test; none is made of them.
    """
    counts = np.zeros((units, int(labels.max()) + 1))
    np.add.at(counts, (unit, labels), 1)
    order = np.lexsort((rng.permutation(units), counts.argmax(axis=1)))
    fold = np.empty(units, dtype=np.intp)
    fold[order] = np.arange(units) % FOLDS
    return np.asarray(fold[unit], dtype=np.intp)


def probe(layers: npt.NDArray[np.float32], labels: Ints, fold: Ints) -> Probed:
    """Cross-validated accuracy of a linear probe on pooled hidden states, layer and penalty chosen inside.

    The probe is a ridge regression on the class indicators; the class of the highest fitted value is named. Scaling,
    penalty and layer are settled without the fold that is judged: for each outer fold the others are predicted by
    probes that saw neither the outer fold nor the predicted one, and the layer and penalty that name most of them win
    (the earliest layer and strongest penalty among equals). A layer picked by its accuracy on the very documents it is
    reported on would look good on labels that mean nothing. No group is trained on and judged.

    Cost: for each layer 15 times documents^2 x width + min(documents, width)^3 operations.

    Args:
        layers: [documents, layers, width] mean hidden states; rows of NaN for documents without any, which are put at
            the mean of the training rows.
        labels: [documents] classes from 0.
        fold: [documents] of `assign_folds`.
    """
    truth = labels[:, None] == np.arange(int(labels.max()) + 1)
    folds = int(fold.max()) + 1
    documents, depth = layers.shape[:2]
    outer = np.zeros((depth, len(RIDGES), documents), dtype=bool)
    inner = np.zeros((depth, len(RIDGES), folds))
    with one_blas_thread():
        for layer in range(depth):
            values = layers[:, layer].astype(np.float64)
            for left_out in _left_out(folds):
                held = np.isin(fold, left_out)
                right = _fitted(values, truth, held).argmax(axis=2) == labels[held]
                if len(left_out) == 1:
                    outer[layer][:, held] = right
                else:
                    # With folds a and b left out, b is what the choice for a is judged by, and the other way round.
                    one, other = left_out
                    inner[layer, :, one] += right[:, fold[held] == other].sum(axis=1)
                    inner[layer, :, other] += right[:, fold[held] == one].sum(axis=1)
    best = inner.reshape(-1, folds).argmax(axis=0)
    chosen = outer.reshape(-1, documents)[best[fold], np.arange(documents)]
    penalty = inner.argmax(axis=1)
    by_layer = np.take_along_axis(outer, penalty[:, fold][:, None, :], axis=1)[:, 0]
    return Probed(correct=chosen, by_layer=by_layer)


def _left_out(folds: int) -> Iterator[tuple[int, ...]]:
    yield from ((fold,) for fold in range(folds))
    yield from combinations(range(folds), 2)


def _fitted(values: Floats, truth: Bools, held: Bools) -> Floats:
    """Fitted class indicators [ridges, held rows, classes] of the held rows [documents], trained on all others."""
    train, test = _standardised(values[~held], values[held])
    target = truth[~held].astype(np.float64)
    prior = target.mean(axis=0)
    target -= prior
    wide = len(train) <= train.shape[1]
    gram = train @ train.T if wide else train.T @ train
    unit = max(float(np.trace(gram)) / len(gram), np.finfo(np.float64).tiny)
    left, right = (test @ train.T, target) if wide else (test, train.T @ target)
    found = np.empty((len(RIDGES), len(test), truth.shape[1]))
    for place, ridge in enumerate(RIDGES):
        penalised = gram.copy()
        penalised[np.diag_indices_from(gram)] += ridge * unit
        found[place] = left @ cho_solve(cho_factor(penalised, overwrite_a=True), right) + prior
    return found


def _standardised(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Both with the mean and spread of the training rows taken out; missing rows at the mean, flat columns at zero."""
    present = train[~np.isnan(train).any(axis=1)]
    if not len(present):
        return np.zeros_like(train), np.zeros_like(test)
    mean, spread = present.mean(axis=0), present.std(axis=0)
    spread[spread <= 1e-6 * np.abs(mean)] = np.inf
    spread[spread == 0] = np.inf
    return np.nan_to_num((train - mean) / spread), np.nan_to_num((test - mean) / spread)
