"""A pilot: the size, effect, features and critical value that a small audit gives a larger one."""

from __future__ import annotations

import math

from scipy.special import ndtri

from auditor.core.record import Count, Record, Share
from auditor.inference.power import auc_of_shift, shift_of_auc
from auditor.power.critical_value import CriticalValue, quantile_error, rescale_level, spread_detected
from auditor.results.result import AuditResult
from auditor.results.rows import Column
from auditor.results.separability import Separability

_TWO_SIDED = float(ndtri(0.975))


class Pilot(Record):
    """The size and effect of a pilot, without its p-value."""

    groups_suspect: Count
    """Groups of the pilot, suspect side."""

    groups_heldout: Count
    """The same, held-out side."""

    effect: Share
    """AUC of the mean of its oriented features (of the learned score where none has a direction)."""

    effect_low: Share
    """Lower end of the 95 % interval of that AUC."""

    effect_high: Share
    """Upper end."""

    failed_guards: tuple[str, ...]
    """Guards that failed in it."""


def pilot_of(result: AuditResult) -> Pilot:
    """The size and the effect of a pilot."""
    membership = result.membership
    effect, low, high = _effect(membership)
    return Pilot(
        groups_suspect=membership.groups_suspect,
        groups_heldout=membership.groups_heldout,
        effect=effect,
        effect_low=low,
        effect_high=high,
        failed_guards=tuple(guard.name for guard in result.guards if guard.status == "failed"),
    )


def pilot_columns(result: AuditResult) -> tuple[Column, ...]:
    """The features of the pilot's test."""
    return tuple(Column(column.name, column.family, column.direction) for column in result.membership.columns)


def pilot_critical_value(result: AuditResult, level: float, permutations: int) -> CriticalValue:
    """The pilot's critical value, rescaled from its level to another."""
    membership = result.membership
    z = rescale_level(membership.critical_z, membership.alpha, level)
    own = quantile_error(membership.critical_z, membership.alpha, membership.permutations)
    return CriticalValue(z, math.hypot(own, quantile_error(z, level, permutations)))


def pilot_widening(result: AuditResult) -> float:
    """How many times wider than 1 / sqrt(rows - 1) the pilot's statistic spread.

    Read from its detectable effect: with share q of suspects, u = d sqrt(q (1 - q)) solves
    u - z_power s = critical s sqrt(1 + u^2). One where no effect was detectable.
    """
    membership = result.membership
    if membership.detectable_auc is None or not 0.5 < membership.detectable_auc < 1.0:
        return 1.0
    rows = membership.groups_suspect + membership.groups_heldout
    shift = (
        shift_of_auc(membership.detectable_auc)
        * math.sqrt(membership.groups_suspect * membership.groups_heldout)
        / rows
    )
    spread = spread_detected(shift, critical=membership.critical_z, power=result.thresholds.power)
    return spread * math.sqrt(rows - 1.0)


def _effect(membership: Separability) -> tuple[float, float, float]:
    """The effect of the mean of the oriented features, with its 95 % interval.

    The mean of oriented features lies `mean_z` standard deviations of its permutations from zero, and is known to about
    one of them. As a correlation each is 1 / sqrt(rows - 1), and a correlation r is a shift of
    r / sqrt(1 - r^2) / sqrt(q (1 - q)).
    """
    if membership.mean_z is None:
        return membership.auc, membership.auc_interval.low, membership.auc_interval.high
    rows = membership.groups_suspect + membership.groups_heldout
    balance = math.sqrt(membership.groups_suspect * membership.groups_heldout) / rows

    def area(z: float) -> float:
        r = max(-0.999, min(0.999, z / math.sqrt(rows - 1.0)))
        return auc_of_shift(r / math.sqrt(1.0 - r**2) / balance)

    return area(membership.mean_z), area(membership.mean_z - _TWO_SIDED), area(membership.mean_z + _TWO_SIDED)
