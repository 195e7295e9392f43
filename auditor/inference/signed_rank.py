"""Wilcoxon's signed-rank test of twins: the published version against the withheld one.

Null: the model does not depend on which of two versions of a document was published. Unit: the document, one fair coin
each. Assumption: the coins are fair and independent of each other and of the absolute differences, which the deal makes
true. Source: Wilcoxon 1945; ties and zeros are ordered by draws in place of midranks, so that the law is that of the
signs alone.
"""

from __future__ import annotations

import numpy as np

from auditor.inference.design import Bools, Floats, Ints
from auditor.inference.rank_share import share_interval
from auditor.inference.signed_rank_law import signed_rank_tail
from auditor.results.dealt.ranks import RankTest


def signed_rank_test(differences: Floats, tie_order: Ints, signs_of_zero: Bools) -> RankTest:
    """Exact upper tail of the sum of the ranks of positive differences.

    See the head of this file for null, unit, assumption and source. Up to 500 units all sums are counted; counts are
    added and never subtracted, so the relative error is below units times 2^-53 however small the tail is. Beyond, the
    characteristic function is inverted, with seven digits and rounded up.

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
