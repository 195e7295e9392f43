"""A test martingale over dealt units: wealth that grows only where published text scores higher.

Null: the model does not depend on the coins. Unit: the unit that was dealt, in an order that was fixed without regard
to coins and scores. Assumption: the coin of each unit is fair given the units before it. Under the null the wealth is
a martingale that starts at one, so it ever reaches 1 / alpha with probability at most alpha (Ville 1939), and the
reciprocal of its largest value is a p-value at every time. Source: Shafer 2021; Waudby-Smith and Ramdas 2024.
"""

from __future__ import annotations

import bisect
import math

import numpy as np

from auditor.inference.design import Floats, Ints
from auditor.inference.rank_share import power_of_e

_BETS = np.arange(1, 20) / 20.0
"""Shares of the wealth that are bet at once; the wealth is the mean over all of them."""
_SCALE = 1.4
"""Times the median, about a standard deviation of normal differences."""


def betting_process(gains: Floats) -> Floats:
    """Logarithm of the wealth after each unit.

    Args:
        gains: [units] from -1 to 1, of mean at most zero under the null given the units before.

    Returns:
        [units]; the mean over bets of 0.05, 0.10, ..., 0.95 of the products of 1 + bet gain.

    Raises:
        ValueError: A gain lies outside -1 to 1.
    """
    if not np.all(np.abs(gains) <= 1):
        raise ValueError("gains must be from -1 to 1")
    logs = np.log1p(_BETS[:, None] * gains).cumsum(axis=1)
    wealth: Floats = np.logaddexp.reduce(logs, axis=0) - np.log(len(_BETS))
    return wealth


def anytime_p_values(log_wealth: Floats) -> Floats:
    """The p-value after each unit, valid whenever one stops: one over the largest wealth so far, at most 1.

    With seven digits, rounded up, so that a second party on another processor gets the same.
    """
    largest = np.maximum(np.maximum.accumulate(log_wealth), 0.0)
    return np.array([power_of_e(-log)[0] for log in largest.tolist()])


def twin_gains(differences: Floats) -> Floats:
    """Gains of twins: each difference on the scale of those before it, squeezed into -1 to 1.

    An odd function of the difference whose scale the past determines, so its mean is zero under a fair coin. The scale
    is the median size, since one outlier would make all later gains small through a mean.

    Args:
        differences: [units] score of the published version less that of the withheld one, in the order of the test.
    """
    gains = np.sign(differences)
    before: list[float] = []
    for index, difference in enumerate(differences.tolist()):
        middle = len(before) // 2
        scale = (before[middle] + before[~middle]) / 2 if before else 0.0
        if scale > 0:
            gains[index] = math.tanh(difference / (_SCALE * scale))
        bisect.insort(before, abs(difference))
    return gains


def rank_gains(ranks: Ints, decoys: Ints | int) -> Floats:
    """Gains of ranks among decoys: -1 at the lowest, 1 at the highest, zero in the mean under a uniform rank.

    Args:
        ranks: [units] decoys below the published candidate.
        decoys: [units] decoys of each unit, or one number for all.
    """
    gains: Floats = (2.0 * ranks - decoys) / decoys
    return gains
