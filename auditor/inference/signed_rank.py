"""Wilcoxon's signed-rank test of twins: the published version against the withheld one.

Null: the model does not depend on which of two versions of a document was published. Unit: the document, one fair coin
each. Assumption: the coins are fair and independent of each other and of the absolute differences, which the deal makes
true. Source: Wilcoxon 1945; ties and zeros are ordered by draws in place of midranks, so that the law is that of the
signs alone.
"""

from __future__ import annotations

import math

import numpy as np

from auditor.inference.design import Bools, Floats, Ints
from auditor.inference.rank_share import SMALLEST, chernoff, power_of_e, share_interval
from auditor.results.dealt.ranks import RankTest

MOST_UNITS = 2000
"""Units up to which the tail is exact."""
_RESCALE = 900
"""Counts are divided by two to this power where they grow beyond it."""


def signed_rank_test(differences: Floats, tie_order: Ints, signs_of_zero: Bools) -> RankTest:
    """Exact upper tail of the sum of the ranks of positive differences.

    See the head of this file for null, unit, assumption and source. Counts are added and never subtracted, so that the
    relative error of the tail is below units times 2^-53 however small it is; beyond 2,000 units the p-value is
    Chernoff's bound with the exact moment generating function.

    Args:
        differences: [units] score of the published version less that of the withheld one.
        tie_order: [units] whole numbers drawn without regard to the coins: the order of equal absolute differences.
        signs_of_zero: [units] fair draws: whether a difference of zero counts as positive.

    Raises:
        ValueError: There is no unit, or a difference is no number.
    """
    if differences.ndim != 1 or not len(differences) or np.isnan(differences).any():
        raise ValueError("differences must be numbers, one for each of at least one unit")
    units = len(differences)
    order = np.lexsort((tie_order, np.abs(differences)))
    positive = np.where(differences == 0, signs_of_zero, differences > 0)[order]
    value, largest = int((np.flatnonzero(positive) + 1).sum()), units * (units + 1) // 2
    p, underflow, exact = signed_rank_tail(value, units)
    share = value / largest
    return RankTest(
        statistic="signed-rank",
        units=units,
        value=value,
        expected=largest / 2,
        share=share,
        share_interval=share_interval(share, _variance(positive), units),
        p_value=p,
        exact=exact,
        underflow=underflow,
    )


def signed_rank_tail(value: int, units: int) -> tuple[float, bool, bool]:
    """P(W >= value) for W the sum of a random half of 1..units.

    Returns:
        The probability, whether it underflows, and whether it is exact.
    """
    if units <= MOST_UNITS:
        return *_counted(value, units), True
    ranks = np.arange(1.0, units + 1.0)
    return *power_of_e(chernoff(lambda theta: signed_log_moment(theta, ranks), value)), False


def signed_log_moment(theta: float, ranks: Floats) -> float:
    """Logarithm of E exp(theta W): of the product of (1 + exp(theta rank)) / 2."""
    return float((theta * ranks + np.log1p(np.exp(-theta * ranks)) - math.log(2.0)).sum())


def _counted(value: int, units: int) -> tuple[float, bool]:
    """P(W >= value), and whether it underflows.

    By symmetry it is the number of subsets of 1..units with a sum of at most `largest - value`, over 2^units. They are
    scaled down where they become too large for a float. The first time, after 900 units or more, none is lost. An entry
    lost the second time, after 1,800 or more, is below 2^-1000 of the largest and adds to fewer than 2^200 later ones,
    far less than what rounding takes.
    """
    rest = units * (units + 1) // 2 - value
    counts = np.zeros(rest + 1)
    counts[0] = 1.0
    scaled, largest = 0, 0
    for rank in range(1, min(units, rest) + 1):
        largest = min(rest, largest + rank)
        counts[rank : largest + 1] += counts[: largest + 1 - rank].copy()
        if rank % 64 == 0 and counts.max() > 2.0**_RESCALE:
            counts *= 2.0**-_RESCALE
            scaled += _RESCALE
    p = math.ldexp(math.fsum(counts), scaled - units)
    return (p, False) if p > 0 else (SMALLEST, True)


def _variance(positive: Bools) -> float:
    """Variance of the share of pairs of units whose sum is positive, from the share of each unit (Hoeffding 1948).

    Args:
        positive: [units] signs in the order of absolute differences.
    """
    units = len(positive)
    # With a unit of smaller absolute difference the sum has my sign, with one of a larger difference its sign.
    larger = positive[::-1].cumsum()[::-1] - positive
    shares = (np.arange(1, units + 1) * positive + larger) / units
    return float(4 * shares.var(ddof=1) / units) if units > 1 else 0.25
