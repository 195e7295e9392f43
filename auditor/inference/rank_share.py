"""Helpers of the rank tests: the interval of a mean rank share, and tails from moment generating functions."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy.optimize import minimize_scalar
from scipy.special import betaincinv, ndtr

from auditor.results.separability import Interval

SMALLEST = math.ulp(0.0)
"""The smallest positive floating-point number, which stands for probabilities below it."""

_TAIL = 0.025


def share_interval(share: float, variance: float, units: int) -> Interval:
    """95 % interval of a mean rank share.

    A share of fractional successes is treated as that of as many whole ones as have its variance, with the exact
    binomial bounds (Clopper and Pearson 1934). Few units know their variance badly, near the ends of the scale most of
    all, so it is estimated together with one unit at each end. Where nothing varies the bounds are those of coins.

    Unit: the unit that was dealt. Assumption: units are independent. Not used for any p-value.

    Args:
        share: The mean share, 0 to 1.
        variance: Estimated variance of the mean share.
        units: How many units it was estimated from.
    """
    centre = (units * share + 1) / (units + 2)
    spread = units * (units * variance + (share - centre) ** 2) + centre**2 + (1 - centre) ** 2
    trials = max(units * centre * (1 - centre) * (units + 2) / spread, 1.0)
    hits = share * trials
    low = float(betaincinv(hits, trials - hits + 1, _TAIL)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - _TAIL)) if hits < trials else 1.0
    return Interval(low=min(low, share), high=max(high, share))


def ratio(count: int, total: int) -> tuple[float, bool]:
    """A quotient of whole numbers, correctly rounded, and whether it is too small to be represented."""
    p = count / total
    return (p, False) if p > 0 else (SMALLEST, True)


def power_of_e(log_p: float) -> tuple[float, bool]:
    """exp(log p), rounded up as `rounded_up` does, and whether it is too small to be represented."""
    p = math.exp(min(0.0, log_p))
    return (rounded_up(p), False) if p > 0 else (SMALLEST, True)


def rounded_up(p: float) -> float:
    """A p-value with seven digits, never smaller than it is and at most 1.

    The last bits of logarithms and exponentials depend on the processor. A second party gets the same seven digits.
    """
    shown = float(f"{p:.6e}")
    # Half a unit of the last of the digits that are left, which takes what was rounded down one up.
    return min(1.0, shown if shown >= p else float(f"{p + 0.5 * 10.0 ** (math.floor(math.log10(p)) - 6):.6e}"))


LogMoment = Callable[[float], float]
"""K(theta), the logarithm of an exact moment generating function; convex, and finite for every theta > 0."""


def chernoff(log_moment: LogMoment, value: float) -> float:
    """Logarithm of the smallest exp(K(theta) - theta value) over theta > 0: an upper bound of log P(X >= value).

    Source: Chernoff 1952. Valid at every theta, so an inexact minimum costs power and never validity.
    """
    theta = saddlepoint(log_moment, value)
    return min(0.0, log_moment(theta) - theta * value)


def saddlepoint_tail(log_moment: LogMoment, value: float) -> float:
    """P(X >= value) to about a hundredth of itself, for plans and never for a p-value.

    Source: Lugannani and Rice 1980, for a value above the mean of a nearly continuous law.
    """
    theta = saddlepoint(log_moment, value)
    step = 1e-3 * theta
    curvature = (log_moment(theta + step) - 2 * log_moment(theta) + log_moment(theta - step)) / step**2
    w = math.sqrt(max(2 * (theta * value - log_moment(theta)), 0.0))
    u = theta * math.sqrt(max(curvature, 0.0))
    if w < 0.05 or u <= 0:
        return 0.5
    return float(ndtr(-w)) + math.exp(-(w**2) / 2) / math.sqrt(2 * math.pi) * (1 / u - 1 / w)


def saddlepoint(log_moment: LogMoment, value: float) -> float:
    """The theta > 0 at which exp(K(theta) - theta value) is smallest, to a millionth of itself."""

    def exponent(log_theta: float) -> float:
        theta = math.exp(log_theta)
        return log_moment(theta) - theta * value

    found = minimize_scalar(exponent, bounds=(-40.0, 10.0), method="bounded", options={"xatol": 1e-6})
    return math.exp(float(found.x))
