"""Two-sample rank-sum test of a dealt hold-out: published documents against withheld ones.

Null: the model does not depend on which documents were published. Unit: the document, or the group that was dealt as
one. Assumption: in each stratum every choice of as many published units was as likely, which the deal makes true.
Source: Mann and Whitney 1947; the generating function of the counts is a Gaussian binomial coefficient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from auditor.inference.design import Bools, Floats, Ints
from auditor.inference.rank_share import chernoff, power_of_e, ratio, share_interval
from auditor.inference.unit_ranks import log_expm1s
from auditor.results.dealt.ranks import RankTest

MOST_WORK = 10_000_000
"""Additions of whole numbers, about a second."""


def two_sample_rank_test(
    scores: Floats, published: Bools, strata: Ints | None = None, tie_order: Ints | None = None
) -> RankTest:
    """Exact upper tail of the number of pairs in which the published document of a stratum scores higher.

    See the head of this file for null, unit, assumption and source. The tail is a ratio of whole numbers. Where that
    takes more than ten million additions (from about 200 against 200 documents on) it is Chernoff's bound with the
    exact moment generating function, which is below Hoeffding's (1963) for sampling without replacement.

    Args:
        scores: [units], higher is more familiar.
        published: [units] bool.
        strata: [units] number of the stratum that a unit was dealt in; None for one stratum.
        tie_order: [units] whole numbers drawn without regard to the deal: the order of equal scores.

    Raises:
        ValueError: A score is no number, or no stratum has units of both kinds.
    """
    if scores.shape != published.shape or np.isnan(scores).any():
        raise ValueError("scores must be numbers, one for each unit")
    ties = np.arange(len(scores)) if tie_order is None else tie_order
    parts = np.zeros(len(scores), dtype=np.intp) if strata is None else strata
    value, variance, sizes = 0, 0.0, []
    for part in np.unique(parts):
        chosen = parts == part
        labels = published[chosen][np.lexsort((ties[chosen], scores[chosen]))]
        mine = int(labels.sum())
        if 0 < mine < len(labels):
            sizes.append((mine, len(labels) - mine))
            wins, spread = _pairs(labels)
            value, variance = value + wins, variance + spread
    if not sizes:
        raise ValueError("no stratum has both published and withheld units")
    largest = sum(mine * others for mine, others in sizes)
    share, units = value / largest, sum(map(sum, sizes))
    p, underflow, exact = two_sample_tail(value, sizes)
    return RankTest(
        statistic="two-sample-rank-sum",
        units=units,
        value=value,
        expected=largest / 2,
        share=share,
        share_interval=share_interval(share, variance / largest**2, min(_fewest(sizes), units)),
        p_value=p,
        exact=exact,
        underflow=underflow,
    )


def two_sample_tail(value: int, sizes: Sequence[tuple[int, int]]) -> tuple[float, bool, bool]:
    """P(U >= value) for U the sum over strata of Mann and Whitney's count.

    Args:
        value: The observed sum.
        sizes: Published and withheld units of each stratum.

    Returns:
        The probability, whether it underflows, and whether it is exact.
    """
    rest = sum(mine * others for mine, others in sizes) - value
    if counting_work(rest, sizes) <= MOST_WORK:
        total = math.prod(math.comb(mine + others, mine) for mine, others in sizes)
        return *ratio(_at_most(rest, sizes), total), True
    return *power_of_e(chernoff(lambda theta: two_sample_log_moment(theta, sizes), value)), False


def counting_work(rest: int, sizes: Sequence[tuple[int, int]]) -> int:
    """Additions that it takes to count the deals with at most `rest` pairs lost."""
    return 2 * _fewest(sizes) * (rest + 1)


def _at_most(rest: int, sizes: Sequence[tuple[int, int]]) -> int:
    """Number of deals with U <= rest: coefficients of the product of (1 - x^(n+i)) / (1 - x^i), i = 1..m."""
    counts = np.zeros(rest + 1, dtype=object)
    counts[0] = 1
    for pair in sizes:
        few, many = sorted(pair)
        for i in range(1, few + 1):
            if many + i <= rest:
                counts[many + i :] = counts[many + i :] - counts[: rest + 1 - many - i]
            if i <= rest:
                rows = -(-(rest + 1) // i)
                padded = np.zeros(rows * i, dtype=object)
                padded[: rest + 1] = counts
                counts = padded.reshape(rows, i).cumsum(axis=0).ravel()[: rest + 1]
    return int(counts.sum())


def two_sample_log_moment(theta: float, sizes: Sequence[tuple[int, int]]) -> float:
    """Logarithm of E exp(theta U), theta > 0: a product of ratios, as the generating function of the counts."""
    total = 0.0
    for pair in sizes:
        few, many = sorted(pair)
        i = np.arange(1.0, few + 1.0)
        total += float((log_expm1s(theta * (many + i)) - log_expm1s(theta * i) + np.log(i / (many + i))).sum())
    return total


def _pairs(labels: Bools) -> tuple[int, float]:
    """Pairs won by published units, and the variance of that number from each unit's own share (DeLong 1988).

    Args:
        labels: [units] bool, published or not, from the lowest score to the highest.
    """
    below = np.cumsum(~labels)[labels]
    above = (labels.sum() - np.cumsum(labels))[~labels]
    mine, others = len(below), len(above)
    spread = mine * below.var(ddof=1) if mine > 1 else others**2 / 4
    spread += others * above.var(ddof=1) if others > 1 else mine**2 / 4
    return int(below.sum()), float(spread)


def _fewest(sizes: Sequence[tuple[int, int]]) -> int:
    return sum(min(pair) for pair in sizes)
