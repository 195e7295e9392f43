"""The critical value of the largest of the engine's statistics, simulated by the engine itself, and groups from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

from auditor.inference.design import build_design, permuted_labels
from auditor.inference.null_distribution import PermutationStatistics, critical, standardise
from auditor.inference.power import detectable_auc, shift_of_auc
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


MOST = 10**9
"""Groups a side beyond which no audit goes."""


def groups_a_side(auc: float, *, critical: float, power: float, widening: float = 1.0) -> int | None:
    """Groups on each of two equal sides with which an effect passes a critical value with the given power.

    Over permuted labels of N rows a correlation with the label has the standard deviation s = 1 / sqrt(N - 1), whatever
    the rows are. A score shifted by d stands at u = d / 2 (equal sides), and `detectable_auc` asks that
    u - z_power s = critical s sqrt(1 + u^2). Solved for s, and s for N = 2 n.

    Null, unit and assumption: as `auditor.inference.separability`; the statistic is nearly normal and its spread on
    both sides is the same.

    Args:
        auc: AUC of the statistic, the mean of the oriented features.
        critical: What the largest standardised statistic must reach.
        power: Probability that this statistic alone reaches it. The test takes the largest of several,
            so its power is at least this.
        widening: How many times wider than 1 / sqrt(N - 1) the statistic spreads; above one where it is the
            refitted score.

    Returns:
        The groups a side, at least two; None where they are more than `MOST`.

    Raises:
        ValueError: The AUC is not above one half and below one, or the critical value is not positive.
    """
    if not 0.5 < auc < 1.0:
        raise ValueError(f"an AUC between 0.5 and 1 is needed, not {auc}")
    if critical <= 0:
        raise ValueError(f"a positive critical value is needed, not {critical}")
    shift = shift_of_auc(auc) / 2.0
    rows = (widening / spread_detected(shift, critical=critical, power=power)) ** 2 + 1.0
    if not math.isfinite(rows) or rows > 2 * MOST:
        return None
    return max(2, math.ceil(rows / 2.0))


def spread_detected(shift: float, *, critical: float, power: float) -> float:
    """The spread s of a statistic that is just detected at u: u - z_power s = critical s sqrt(1 + u^2)."""
    return shift / (float(ndtri(power)) + critical * math.sqrt(1.0 + shift**2))


def power_with(groups: int, auc: float, *, critical: float, widening: float = 1.0) -> float:
    """Power of a number of groups a side against an effect; the inverse of `groups_a_side`."""
    shift, spread = shift_of_auc(auc) / 2.0, widening / math.sqrt(2 * groups - 1)
    return float(ndtr(shift / spread - critical * math.sqrt(1.0 + shift**2)))


def auc_detected_with(groups: int, *, critical: float, power: float, widening: float = 1.0) -> float | None:
    """The smallest AUC that a number of groups a side detects: `groups_a_side` solved for the AUC."""
    spread = widening / math.sqrt(2 * groups - 1)
    return detectable_auc(critical=critical, power=power, mean=0.0, spread=spread, share=0.5)
