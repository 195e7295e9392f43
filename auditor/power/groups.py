"""From a critical value to a number of groups: `auditor.inference.power.detectable_auc` solved for the groups."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from auditor.inference.power import detectable_auc, shift_of_auc

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
