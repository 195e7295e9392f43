"""The critical value of the largest of the engine's statistics, simulated by the engine itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from auditor.inference.design import build_design, permuted_labels
from auditor.inference.null_distribution import PermutationStatistics, critical, standardise
from auditor.inference.threads import one_blas_thread
from auditor.power.rows import feature_rows
from auditor.results.rows import Column

FOLDS = 5
_ABOVE = 50
"""Permuted labels above the critical value: enough to know its tail probability to a seventh and the value to 1 %."""


@dataclass(frozen=True, slots=True)
class CriticalValue:
    """A critical value and its standard error.

    Attributes:
        z: What the largest standardised statistic must reach.
        error: Standard error of `z` over the permuted labels of one audit.
    """

    z: float
    error: float

    @property
    def cautious(self) -> float:
        """A value that the critical value of an audit to come exceeds rarely: two standard errors up."""
        return self.z + 2.0 * self.error


def simulated_critical_value(
    columns: Sequence[Column], groups: int, *, alpha: float, permutations: int, rng: np.random.Generator
) -> CriticalValue:
    """The critical value of the engine for features of this shape.

    The rows are independent noise. Real features are positively correlated, and the largest of positively correlated
    normal statistics is smaller (Slepian 1962), so this critical value is, if anything, high.

    Args:
        columns: Families and directions of the features of the test.
        groups: Groups a side.
        alpha: Level of the test.
        permutations: Of the audit; more are drawn here where the level needs them.
        rng: Draws the rows, the folds and the permuted labels.
    """
    row_rng, fold_rng, label_rng = rng.spawn(3)
    drawn = max(permutations, math.ceil(_ABOVE / alpha))
    with one_blas_thread():
        design = build_design(feature_rows(columns, groups, 0.5, 0.0, row_rng), folds=FOLDS, rng=fold_rng)
        raw = PermutationStatistics(design, tuple(columns)).pool(permuted_labels(design, drawn, label_rng)).raw
        z = critical(standardise(raw).max(axis=0), alpha)
    return CriticalValue(z, quantile_error(z, alpha, permutations))


def rescale_level(z: float, alpha: float, to: float) -> float:
    """A critical value rescaled from one level to another.

    The largest of the statistics behaves near its tail like the largest of k independent normal ones, with k from
    1 - alpha = Phi(z)^k; the same k gives the critical value at the other level.
    """
    per_statistic = math.log1p(-to) * (float(log_ndtr(z)) / math.log1p(-alpha))
    return -float(ndtri_exp(math.log(-math.expm1(per_statistic))))


def quantile_error(z: float, alpha: float, permutations: int) -> float:
    """Standard error of a critical value over permuted labels: sqrt(alpha / permutations) over the density alpha z."""
    return 1.0 / (z * math.sqrt(alpha * (permutations + 1)))
