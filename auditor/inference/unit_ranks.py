"""Rank-sum test over units: how many decoys each published candidate exceeds.

Null: the model does not depend on which candidate of a unit was published. Unit: the unit, one coin each. Assumption:
the index of the published candidate is uniform over the candidates of its unit and independent over units, which the
deal makes true; none on texts, their likeness or dependence, or the model. Source: an exact randomisation test (Fisher
1935); the sum of discrete uniforms by inclusion and exclusion (de Moivre 1756).
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from auditor.inference.design import Floats, Ints
from auditor.inference.rank_share import chernoff, power_of_e, ratio, share_interval
from auditor.results.dealt.ranks import RankTest

MOST_UNITS = 2000
"""Units up to which the tail is exact."""
_MOST_TERMS = 20_000


def published_rank(scores: Floats, published: int, tie_order: Ints) -> int:
    """How many of a unit's other candidates score below the published one.

    Args:
        scores: [candidates], higher is more familiar.
        published: Index of the published candidate.
        tie_order: [candidates] whole numbers drawn without regard to the published one; of candidates with equal
            scores the one with the smaller number counts as lower, so that the rank is uniform under the null.

    Raises:
        ValueError: A score is no number.
    """
    if np.isnan(scores).any():
        raise ValueError("a candidate without a score has no rank")
    order = np.lexsort((tie_order, scores))
    return int(np.flatnonzero(order == published)[0])


def rank_sum_test(ranks: Ints, decoys: Ints | int) -> RankTest:
    """Exact upper tail of the sum of ranks of published candidates.

    See the head of this file for null, unit, assumption and source. The tail is a ratio of whole numbers, so it is
    exact however small, up to 2,000 units; beyond, Chernoff's bound with the exact moment generating function.

    Args:
        ranks: [units] decoys below the published candidate, from 0 to the decoys of the unit.
        decoys: [units] decoys of each unit, or one number for all.

    Raises:
        ValueError: There is no unit, or a rank lies outside 0 to the decoys of its unit.
    """
    most = np.broadcast_to(np.asarray(decoys, dtype=np.int64), ranks.shape)
    if ranks.ndim != 1 or not len(ranks) or np.any(most < 1) or np.any(ranks < 0) or np.any(ranks > most):
        raise ValueError("ranks must be whole numbers from 0 to the decoys of their unit, of at least one unit")
    value, largest = int(ranks.sum()), int(most.sum())
    sizes = Counter(most.tolist())
    p, underflow, exact = rank_sum_tail(value, sizes)
    share = value / largest
    spread = np.square(ranks - share * most).sum() / max(len(ranks) - 1, 1)
    return RankTest(
        statistic="rank-sum",
        units=len(ranks),
        value=value,
        expected=largest / 2,
        share=share,
        share_interval=share_interval(share, float(spread) * len(ranks) / largest**2, len(ranks)),
        p_value=p,
        exact=exact,
        underflow=underflow,
    )


def rank_sum_tail(value: int, sizes: Counter[int]) -> tuple[float, bool, bool]:
    """P(T >= value) for T a sum of independent uniforms on 0..m.

    Args:
        value: The observed sum.
        sizes: How many uniforms there are of each m.

    Returns:
        The probability, whether it underflows, and whether it is exact.
    """
    units = sizes.total()
    if units <= MOST_UNITS:
        terms = _alternating(sizes, sum(m * count for m, count in sizes.items()) - value)
        if terms is not None:
            return *ratio(
                _at_most(terms, sizes, value), math.prod((m + 1) ** count for m, count in sizes.items())
            ), True
    return *power_of_e(chernoff(lambda theta: uniform_log_moment(theta, sizes), value)), False


def _at_most(terms: dict[int, int], sizes: Counter[int], value: int) -> int:
    """Number of outcomes with T >= value, which by symmetry is that of T <= largest - value."""
    units, rest = sizes.total(), sum(m * count for m, count in sizes.items()) - value
    return sum(sign * math.comb(rest - start + units, units) for start, sign in terms.items())


def _alternating(sizes: Counter[int], degree: int) -> dict[int, int] | None:
    """Coefficients of the product of (1 - x^(m+1)) up to a degree; None where there are too many."""
    terms = {0: 1}
    for m, count in sizes.items():
        factor = [(j * (m + 1), (-1) ** j * math.comb(count, j)) for j in range(min(count, degree // (m + 1)) + 1)]
        if len(factor) * len(terms) > _MOST_TERMS:
            return None
        product: dict[int, int] = {}
        for start, sign in terms.items():
            for more, by in factor:
                if start + more > degree:
                    break
                product[start + more] = product.get(start + more, 0) + sign * by
        terms = product
    return terms


def uniform_log_moment(theta: float, sizes: Counter[int]) -> float:
    """Logarithm of E exp(theta T), theta > 0; the mean of exp(theta x) over 0..m is a ratio of two powers."""
    m, count = np.array(list(sizes)), np.array(list(sizes.values()))
    at_one = log_expm1s(np.array([theta]))[0]
    return float((count * (log_expm1s(theta * (m + 1)) - at_one - np.log(m + 1))).sum())


def log_expm1s(x: Floats) -> Floats:
    """log(exp(x) - 1) for x > 0, without overflow or cancellation."""
    logs: Floats = x + np.log(-np.expm1(-x))
    return logs
