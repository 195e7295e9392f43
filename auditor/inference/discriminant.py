"""The ridge discriminant, out of fold, refitted under many labellings at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.inference.design import Design, Floats

RIDGE = 0.3
"""Ridge penalty per training row; columns have a variance near one, so it is in units of one column's variance.

Label-blind. In benchmarks/ridge.py power hardly changes from 0.3 to 1. Smaller penalties lose where columns repeat each
other, as likelihood features do; larger ones lose where an effect lies in few columns or cancels between them."""


def ridge_inverse(matrix: Floats, ridge: float = RIDGE) -> Floats:
    """(X'X + c I)^-1 for centred X [rows, columns], c = ridge x rows."""
    gram = matrix.T @ matrix
    gram[np.diag_indices_from(gram)] += ridge * max(len(matrix), 1)
    return np.asarray(np.linalg.inv(gram), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Fold:
    """Matrices with which one fold is refitted under any labels.

    Attributes:
        rows: Its rows in the design.
        matrix: [fold rows, columns] its normal scores.
        mean: [columns] their mean.
        gram: [columns, columns] X'X of its rows, centred on that mean.
        train_mean: [columns] mean of all other rows.
        inverse: [columns, columns] (X'X + c I)^-1 of all other rows, centred on their mean.
    """

    rows: slice
    matrix: Floats
    mean: Floats
    gram: Floats
    train_mean: Floats
    inverse: Floats


class CrossFit:
    """The out-of-fold ridge discriminant of one design.

    In each fold the weights are w = (X'X + c I)^-1 X'y with X the training rows centred on their own mean, and a held
    row scores (x - m)'w with m the mean of its fold. Both means are label-blind, so for a fixed design the scores are
    linear in the labels and a refit under permuted labels is a matrix product. Centring held rows on their fold
    removes the offset by which a training set that lost suspects to the fold would reveal the fold's labels.

    Memory: folds x columns^2 besides the design; nothing grows with rows^2.
    """

    def __init__(self, design: Design, ridge: float = RIDGE) -> None:
        self._design = design
        self._folds: list[Fold] = []
        for rows in design.folds:
            held, train = design.matrix[rows], np.delete(design.matrix, rows, axis=0)
            mean, train_mean = held.mean(axis=0), train.mean(axis=0)
            gram = (held - mean).T @ (held - mean)
            self._folds.append(Fold(rows, held, mean, gram, train_mean, ridge_inverse(train - train_mean, ridge)))

    def scores(self, labels: Floats) -> Floats:
        """Out-of-fold scores [rows, labellings] of labels [rows, labellings]; linear in the labels."""
        scores = np.empty(labels.shape)
        total, suspects = self._design.matrix.T @ labels, labels.sum(axis=0)
        for fold in self._folds:
            within = labels[fold.rows]
            train = total - fold.matrix.T @ within - np.outer(fold.train_mean, suspects - within.sum(axis=0))
            scores[fold.rows] = (fold.matrix - fold.mean) @ (fold.inverse @ train)
        return scores

    def products(self, labels: Floats) -> tuple[Floats, Floats]:
        """Column totals and the learned statistic of many labellings, without forming their scores.

        Args:
            labels: [rows, labellings] of 0 and 1.

        Returns:
            [columns, labellings] X'y over all rows, each column's sum over suspect rows (columns have mean zero); and
            [labellings] the correlation between out-of-fold score and label, a standardised difference of means.
        """
        within = [fold.matrix.T @ labels[fold.rows] for fold in self._folds]
        members = [labels[fold.rows].sum(axis=0) for fold in self._folds]
        total, suspects = np.sum(within, axis=0), np.sum(members, axis=0)
        covariance, square = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])
        for fold, inside, held in zip(self._folds, within, members, strict=True):
            weights = fold.inverse @ (total - inside - np.outer(fold.train_mean, suspects - held))
            covariance += np.einsum("ij,ij->j", inside - np.outer(fold.mean, held), weights)
            square += np.einsum("ij,ij->j", weights, fold.gram @ weights)
        spread = np.sqrt(square * suspects * (len(labels) - suspects) / len(labels))
        return total, np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0)

    def weights(self) -> Floats:
        """Weights [columns] of the discriminant fitted on all rows under the observed labels; a description only."""
        matrix = self._design.matrix
        return ridge_inverse(matrix) @ (matrix.T @ self._design.suspect.astype(np.float64))
