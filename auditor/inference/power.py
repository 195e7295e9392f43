"""Power of comparing two sets of groups: how many groups, and how small an effect.

Under the normal shift model a score has standard deviation 1 on both sides and means d apart, and its AUC is
Phi(d / sqrt 2). The unit is the group. Assumption: groups are independent.
"""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri


def auc_of_shift(shift: float) -> float:
    """AUC of two normal scores with equal spread whose means are `shift` standard deviations apart."""
    return float(ndtr(shift / math.sqrt(2.0)))


def shift_of_auc(auc: float) -> float:
    """The shift in standard deviations that gives an AUC; the inverse of `auc_of_shift`."""
    return math.sqrt(2.0) * float(ndtri(auc))


def groups_needed(auc: float, *, alpha: float, power: float = 0.8) -> int:
    """Groups a side with which a one-sided test at `alpha` detects an effect of size `auc` with the given power.

    n = 2 (z_alpha + z_power)^2 / d^2, the two-sample normal formula; it is for one planned statistic, and a maximum
    over several needs somewhat more (see `detectable_auc`).

    Raises:
        ValueError: auc is not above one half and below one.
    """
    if not 0.5 < auc < 1.0:
        raise ValueError(f"an AUC between 0.5 and 1 is needed, not {auc}")
    quantiles = float(ndtri(1 - alpha) + ndtri(power))
    return math.ceil(2.0 * (quantiles / shift_of_auc(auc)) ** 2)


def detectable_auc(*, critical: float, power: float, mean: float, spread: float, share: float) -> float | None:
    """Smallest AUC of a score whose correlation with the label passes a critical value with the given power.

    The correlation of a score shifted by d is r = u / s with u = d sqrt(q (1 - q)) and s = sqrt(1 + u^2), and its
    noise shrinks by s as well. Solving u - z_power spread = (mean + critical spread) s for u gives d.

    Args:
        critical: Critical value of the standardised statistic.
        power: Wanted probability of passing it.
        mean: Mean of the correlation over the permutations.
        spread: Its standard deviation over the permutations.
        share: Share q of rows that are suspect.

    Returns:
        The AUC, or None where no effect however large would pass.
    """
    threshold, noise = mean + critical * spread, float(ndtri(power)) * spread
    if threshold >= 1.0:
        return None
    shift = (noise + threshold * math.sqrt(max(noise**2 + 1.0 - threshold**2, 0.0))) / (1.0 - threshold**2)
    return auc_of_shift(shift / math.sqrt(share * (1.0 - share)))
