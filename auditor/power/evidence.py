"""Groups for EVIDENCE: the test must reject, and the `excess` guard must find more than text explains."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from auditor.inference.excess import excess_auc
from auditor.inference.power import auc_of_shift, shift_of_auc
from auditor.inference.separability import separability
from auditor.power.critical_value import power_with
from auditor.power.rows import feature_rows, text_alone_rows
from auditor.results.policy import Policy
from auditor.results.rows import Column

MULTIPLES = (1.0, 2.0, 4.0)
"""Multiples of the groups that the test needs at which the guard is simulated."""
AUDITS = 48
"""Simulated audits at each."""
_LARGEST = 60
_PERMUTATIONS = 199
_BOOTSTRAPS = 200


def evidence_multiple(
    columns: Sequence[Column],
    groups: int,
    auc: float,
    *,
    common: float,
    critical: float,
    policy: Policy,
    rng: np.random.Generator,
) -> float | None:
    """Multiple of the groups of the test at which an effect reaches EVIDENCE with the power of the policy.

    The guard is simulated where the texts of the two sides are alike. Its margin is taken as normal, and the power of
    both, at least the product of the two since they agree, is read off between the multiples on the scale of the
    square root of groups. One standard error of the simulation is taken off, so that the answer errs upwards. Large
    audits are simulated at `_LARGEST` groups a side with the effect that is as many standard errors away: what the
    guard detectable_auc depends on that distance, and on the size hardly.

    Args:
        columns: Families and directions of the features.
        groups: Groups a side with which the test alone finds the effect.
        auc: The effect.
        common: Share of variance that all features share.
        critical: The critical value of the test.
        policy: Levels and power.
        rng: Draws the audits.

    Returns:
        The multiple, at least one; None where it is beyond the largest of `MULTIPLES`.
    """
    small = min(groups, _LARGEST)
    nearer = auc_of_shift(shift_of_auc(auc) * math.sqrt(groups / small))
    wanted = float(ndtri(policy.power))
    reached: list[tuple[float, float]] = []
    for multiple, stream in zip(MULTIPLES, rng.spawn(len(MULTIPLES)), strict=True):
        size = math.ceil(multiple * small)
        passes = _guard_power(columns, size, nearer, common, policy, stream)
        both = passes * power_with(size, nearer, critical=critical)
        reached.append((math.sqrt(multiple), float(ndtri(np.clip(both, 1e-6, 1 - 1e-6)))))
        if reached[-1][1] >= wanted:
            break
    if reached[-1][1] < wanted:
        return None
    if len(reached) == 1:
        return 1.0
    (low, before), (high, after) = reached[-2:]
    return float(low + (wanted - before) / (after - before) * (high - low)) ** 2


def _guard_power(
    columns: Sequence[Column], groups: int, auc: float, common: float, policy: Policy, rng: np.random.Generator
) -> float:
    """Probability that the lower bound of the excess is above zero, less what the simulation may err by.

    The margin over its spread is known to sqrt((1 + t^2 / 2) / audits); one such error is taken off.
    """
    margins = []
    for stream in rng.spawn(AUDITS):
        rows = feature_rows(columns, groups, auc, common, stream)
        membership, text = (
            separability(drawn, rng=stream, alpha=0.05, permutations=_PERMUTATIONS, bootstraps=2)
            for drawn in (rows, text_alone_rows(groups, stream))
        )
        excess = excess_auc(
            membership, text, rows.suspect, level=policy.excess_level, rng=stream, bootstraps=_BOOTSTRAPS
        )
        margins.append(excess.lower)
    t = float(np.mean(margins) / np.std(margins, ddof=1))
    return float(ndtr(t - math.sqrt((1.0 + t**2 / 2.0) / AUDITS)))
