"""What a small audit tells about a larger one."""

from __future__ import annotations

import math

from scipy.special import ndtri

from auditor.core.record import Count, Record, Share
from auditor.inference.power import auc_of_shift, shift_of_auc
from auditor.power.critical_value import CriticalValue, quantile_error, rescale_level
from auditor.power.groups import spread_seen
from auditor.results.result import AuditResult
from auditor.results.rows import Column
from auditor.results.separability import Separability

_TWO_SIDED = float(ndtri(0.975))


class Pilot(Record):
    """A pilot's size and effect; its p-value is not among them."""

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
    found = result.membership
    effect, low, high = _effect(found)
    return Pilot(
        groups_suspect=found.groups_suspect,
        groups_heldout=found.groups_heldout,
        effect=effect,
        effect_low=low,
        effect_high=high,
        failed_guards=tuple(guard.name for guard in result.guards if guard.status == "failed"),
    )


def pilot_columns(result: AuditResult) -> tuple[Column, ...]:
    """The features that the pilot's test was made of."""
    return tuple(Column(column.name, column.family, column.direction) for column in result.membership.columns)


def pilot_bar(result: AuditResult, level: float, permutations: int) -> CriticalValue:
    """The pilot's critical value, carried from its level to another one."""
    found = result.membership
    z = rescale_level(found.critical_z, found.alpha, level)
    own = quantile_error(found.critical_z, found.alpha, found.permutations)
    return CriticalValue(z, math.hypot(own, quantile_error(z, level, permutations)))


def pilot_widening(result: AuditResult) -> float:
    """How many times wider than 1 / sqrt(rows - 1) the pilot's planned statistic spread.

    Read from its detectable effect: with share q of suspects, u = d sqrt(q (1 - q)) solves
    u - z_power s = critical s sqrt(1 + u^2). One where no effect was detectable.
    """
    found = result.membership
    if found.detectable_auc is None or not 0.5 < found.detectable_auc < 1.0:
        return 1.0
    rows = found.groups_suspect + found.groups_heldout
    correction_entry = (
        shift_of_auc(found.detectable_auc) * math.sqrt(found.groups_suspect * found.groups_heldout) / rows
    )
    return spread_seen(correction_entry, critical=found.critical_z, power=result.thresholds.power) * math.sqrt(
        rows - 1.0
    )


def _effect(found: Separability) -> tuple[float, float, float]:
    """The planned effect with its 95 % interval.

    The mean of oriented features stands `mean_z` relabelling deviations from zero, each 1 / sqrt(rows - 1) as a
    correlation, and is known to about one of them; a correlation r is a shift of r / sqrt(1 - r^2) / sqrt(q (1 - q)).
    """
    if found.mean_z is None:
        return found.auc, found.auc_interval.low, found.auc_interval.high
    rows = found.groups_suspect + found.groups_heldout
    balance = math.sqrt(found.groups_suspect * found.groups_heldout) / rows

    def area(z: float) -> float:
        r = max(-0.999, min(0.999, z / math.sqrt(rows - 1.0)))
        return auc_of_shift(r / math.sqrt(1.0 - r**2) / balance)

    return area(found.mean_z), area(found.mean_z - _TWO_SIDED), area(found.mean_z + _TWO_SIDED)
