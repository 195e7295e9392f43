"""The law of the sum W of a random half of the ranks 1..n: its upper tail, counted or inverted, and never too small."""

from __future__ import annotations

import math

import numpy as np

from auditor.inference.design import Floats
from auditor.inference.rank_share import SMALLEST, chernoff, power_of_e, saddlepoint

COUNTED = 500
"""Units up to which sums are always counted."""
_MOST_COUNTED = 2000
"""Units up to which they are counted where the inversion is not close."""
_RESCALE = 900
"""Counts are divided by two to this power where they grow beyond it."""
_CLOSE = 1e-9
_CUT = 60.0
"""Frequencies are left out where the characteristic function is below exp(-60)."""


def signed_rank_tail(value: int, units: int) -> tuple[float, bool, bool]:
    """P(W >= value).

    Returns:
        The probability, whether it underflows, and whether it is exact to seven digits; else it is an upper bound.
    """
    if units > COUNTED:
        inverted = _inverted(value, units)
        if inverted is not None:
            return *power_of_e(inverted), True
    if units <= _MOST_COUNTED:
        return *_counted(value, units), True
    ranks = np.arange(1.0, units + 1.0)
    return *power_of_e(chernoff(lambda theta: signed_log_moment(theta, ranks), value)), False


def signed_log_moment(theta: float, ranks: Floats) -> float:
    """Logarithm of E exp(theta W): of the product of (1 + exp(theta rank)) / 2."""
    return float((theta * ranks + np.log1p(np.exp(-theta * ranks)) - math.log(2.0)).sum())


def _counted(value: int, units: int) -> tuple[float, bool]:
    """P(W >= value), and whether it underflows.

    By symmetry it is the number of subsets of 1..units with a sum of at most `largest - value`, over 2^units. Counts
    are scaled down where they become too large for a float. The first time, after 900 units or more, none is lost. An
    entry lost the second time, after 1,800 or more, is below 2^-1000 of the largest and adds to fewer than 2^200 later
    ones, far less than what rounding takes.
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


def _inverted(value: int, units: int) -> float | None:
    """Logarithm of P(W >= value), from above and close; None where it cannot be shown to be close.

    With the law tilted by theta, p_r = 1 / (1 + exp(-theta r)), and phi its characteristic function, the tail is
    exp(K(theta) - theta value) S, and S is the mean over w in -pi..pi of phi(w) exp(-i w value) / (1 - exp(-theta - i
    w)). The mean over `period` equally spaced w in its place only adds positive terms, so it bounds S from above.
    Frequencies beyond a cut are left out, and what they can add is added: |phi|^2 is the product of
    1 - 4 p_r q_r sin^2(w r / 2). With c the smallest p_r q_r that gives |phi| <= exp(-2 c w^2 n^3 / (3 pi^2)) up to
    w = pi / n, as sin y >= 2 y / pi there, and exp(-c n / 2) beyond, as the cosines of w r add up to n / 2 at most.

    Source: exponential tilting (Esscher 1932) and Fourier inversion of a lattice law; the bounds are as above.
    """
    ranks = np.arange(1.0, units + 1.0)
    if 2 * value <= units * (units + 1) // 2:
        other = _inverted(units * (units + 1) // 2 - value + 1, units)
        return None if other is None else math.log1p(-math.exp(other - _CLOSE))
    spread = math.sqrt(units * (units + 1) * (2 * units + 1) / 24)
    theta = max(saddlepoint(lambda at: signed_log_moment(at, ranks), value), 2 / spread)
    up = 1.0 / (1.0 + np.exp(-theta * ranks))
    c = float(up[-1] * (1 - up[-1]))
    cut = math.sqrt(_CUT * 3 * math.pi**2 / (2 * c * units**3)) if c > 0 else math.inf
    left_out = (math.exp(-_CUT) + math.exp(-c * units / 2)) / -math.expm1(-theta)
    if cut >= math.pi / units:
        return None
    period = math.ceil(2 * max(45 / theta, 12 * spread))
    total = 0.0
    for step in range(math.floor(cut * period / (2 * math.pi)) + 1):
        w = 2 * math.pi * step / period
        phase = np.log(1 - up + up * np.exp(1j * w * ranks)).sum() - 1j * w * value
        term = (np.exp(phase) / (1 - np.exp(-theta - 1j * w))).real
        total += float(term) * (2 if step else 1)
    total /= period
    if not left_out < _CLOSE / 2 * total:
        return None
    return signed_log_moment(theta, ranks) - theta * value + math.log(total + left_out) + _CLOSE / 2
