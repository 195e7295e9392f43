"""The smallest effect that a test of dealt material would have found.

Under the normal shift model scores have standard deviation 1 and published text lies d above withheld text; the effect
is the AUC Phi(d / sqrt 2). Unit: the unit that was dealt. Assumption: units are independent; no p-value needs it.
"""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from auditor.inference.dealt_power import can_reach, log2_deals, log2_smallest_rank_p


def detectable_auc_of_ranks(units: int, decoys: int, *, alpha: float, power: float) -> float | None:
    """Smallest AUC that the rank sum finds: the mean share under the null has variance (m + 2) / (12 m) a unit.

    Args:
        units: Units with scores.
        decoys: Decoys of each.
        alpha: Level that the p-value itself has to reach.
        power: Probability of reaching it.

    Returns:
        None where no effect however large would reach it.
    """
    if units == 0 or not can_reach(log2_smallest_rank_p(units, decoys), alpha, 0):
        return None
    auc = 0.5 + _quantiles(alpha, power) * math.sqrt((decoys + 2) / (12 * decoys * units))
    # Above it the normal law no longer holds; every published candidate would have to come first.
    return min(auc, 0.999)


def detectable_auc_of_twins(units: int, *, alpha: float, power: float) -> float | None:
    """Smallest AUC that the signed-rank test finds, by the normal law of the differences; arguments as above."""
    if units == 0 or not can_reach(log2_smallest_rank_p(units, 1), alpha, 0):
        return None
    return min(float(ndtr(_quantiles(alpha, power) / math.sqrt(units))), 0.999)


def detectable_auc_of_holdout(published: int, withheld: int, *, alpha: float, power: float) -> float | None:
    """Smallest AUC that the rank sum of two samples finds.

    Args:
        published: Published documents with scores.
        withheld: Withheld ones.
        alpha: Level that the p-value itself has to reach.
        power: Probability of reaching it.
    """
    if not published or not withheld or not can_reach(-log2_deals(published, withheld), alpha, 0):
        return None
    spread = math.sqrt((published + withheld + 1) / (12 * published * withheld))
    return min(0.5 + _quantiles(alpha, power) * spread, 0.999)


def level_under_a_bound(alpha: float) -> float:
    """The level at which a test that bounds its p-value rejects in fact.

    Chernoff's bound of a normal tail at z is larger by a factor of z sqrt(2 pi), for large z.
    """
    return alpha / max(1.0, -float(ndtri(alpha)) * math.sqrt(2 * math.pi))


def _quantiles(alpha: float, power: float) -> float:
    return float(ndtri(power) - ndtri(alpha))
