"""Sample size: the groups a side that an audit needs for each verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from auditor.core.errors import UsageError
from auditor.core.record import Count, Number, Record, Share
from auditor.core.seeds import stream
from auditor.power.critical_value import CriticalValue, auc_detected_with, groups_a_side, simulated_critical_value
from auditor.power.evidence import evidence_multiple
from auditor.power.pilot import Pilot, pilot_columns, pilot_critical_value, pilot_of, pilot_widening
from auditor.power.rows import planned_columns
from auditor.results.policy import Policy
from auditor.results.result import AuditResult
from auditor.results.rows import Column
from auditor.settings import require_permutations

COMMON = (0.5, 0.0)
"""Shares of variance that all features have in common, at which EVIDENCE is simulated."""
_SIZES = (100, 300)


class GroupRange(Record):
    """Groups a side at the ends of the pilot's interval; None where no number suffices."""

    low: Count | None
    high: Count | None


class PowerAnalysis(Record):
    """The groups a side that an audit needs, and what that rests on."""

    effect: Share
    """The effect to detect: AUC of the mean of the oriented features."""

    power: Share
    """Probability of detecting it."""

    alpha: Share
    """Level over all audits together."""

    audits: Count
    """Audits corrected together."""

    level: Share
    """The strictest level of Holm's correction: alpha over audits."""

    required_auc: Share
    """Effect that an audit must be able to detect before it says NO EVIDENCE."""

    critical_z: Number
    """Critical value of the test at `level`."""

    critical_z_from: Literal["simulated rows", "the pilot"]
    """Where the critical value comes from."""

    columns: Count
    """Features of the test."""

    families: Count
    """Families of features."""

    test: Count | None
    """Groups a side for the membership test to reject. None: more than any audit has."""

    evidence_correlated: Count | None
    """Groups a side for EVIDENCE, where features share half their variance. None: over four times `test`."""

    evidence_independent: Count | None
    """The same where features are independent."""

    no_evidence: Count | None
    """Groups a side for NO EVIDENCE, where there is no effect."""

    detectable_auc: Share | None
    """The smallest AUC that `test` groups detect, at most `effect`."""

    minimum_groups: Count
    """Fewest groups a side that any verdict needs."""

    seed: int
    """Seed of the simulations."""

    pilot: Pilot | None = None
    """The pilot, where there is one."""

    test_range: GroupRange | None = None
    """`test` at the ends of the pilot's interval, where the effect is the pilot's."""


def analyse_power(
    effect: float | None,
    *,
    policy: Policy,
    audits: int = 1,
    features: str = "default",
    reference: bool = False,
    permutations: int = 9999,
    pilot: AuditResult | None = None,
    seed: int = 0,
) -> PowerAnalysis:
    """The groups a side that an audit needs for its test, EVIDENCE and NO EVIDENCE.

    Args:
        effect: AUC of the mean of the oriented features to detect; the pilot's own where it is None.
        policy: Level, power, required AUC and the levels of the guards.
        audits: Audits whose p-values are corrected together.
        features: Selection of features; a pilot's own take its place.
        reference: Whether there will be a reference model.
        permutations: Label permutations of the audit.
        pilot: A result that gives the critical value, the features and the spread.
        seed: Seed of the simulations.

    Raises:
        UsageError: There is no effect to detect, or the permutations cannot reach the level.
    """
    level = policy.alpha / audits
    require_permutations(permutations, level)
    summary = None if pilot is None else pilot_of(pilot)
    target = _target(effect, summary)
    columns = planned_columns(features, reference=reference) if pilot is None else pilot_columns(pilot)
    if not columns:
        raise UsageError("no feature is left to test", hint="Name other --features, or add --with-reference.")
    widening = 1.0 if pilot is None else pilot_widening(pilot)

    def critical_at(at: float) -> CriticalValue:
        if pilot is not None:
            return pilot_critical_value(pilot, at, permutations)
        return _mean_critical_value(columns, at, permutations, seed)

    def groups_for(auc: float, critical: float) -> int | None:
        return groups_a_side(auc, critical=critical, power=policy.power, widening=widening)

    critical = critical_at(level)
    # A verdict's detectable effect is stated at the level before any correction for a batch.
    single = critical if audits == 1 else critical_at(policy.alpha)
    test = groups_for(target, critical.z)
    base = None if test is None else max(test, policy.minimum_groups)
    low, high = (
        _groups_for_evidence(columns, base, target, common=common, critical=critical, policy=policy, seed=seed)
        for common in COMMON
    )
    return PowerAnalysis(
        effect=target,
        power=policy.power,
        alpha=policy.alpha,
        audits=audits,
        level=level,
        required_auc=policy.required_auc,
        critical_z=critical.z,
        critical_z_from="simulated rows" if pilot is None else "the pilot",
        columns=len(columns),
        families=len({column.family for column in columns}),
        test=test,
        evidence_correlated=low,
        evidence_independent=high,
        no_evidence=groups_for(policy.required_auc, single.cautious),
        detectable_auc=None
        if test is None
        else auc_detected_with(test, critical=critical.z, power=policy.power, widening=widening),
        minimum_groups=policy.minimum_groups,
        seed=seed,
        pilot=summary,
        test_range=_test_range(summary, lambda auc: groups_for(auc, critical.z)) if effect is None else None,
    )


def _target(effect: float | None, pilot: Pilot | None) -> float:
    if effect is not None:
        return effect
    if pilot is None:
        raise UsageError(
            "a power analysis needs an effect", hint="Give --effect, or --pilot with a result to take it from."
        )
    if not 0.5 < pilot.effect < 1.0:
        raise UsageError(
            f"the pilot's features point away from training or nowhere (AUC of their mean {pilot.effect:.2f})",
            hint="Give the effect to detect with --effect.",
        )
    return pilot.effect


def _mean_critical_value(columns: Sequence[Column], level: float, permutations: int, seed: int) -> CriticalValue:
    """Mean critical value over a few sizes, one simulation each: it hardly depends on the number of groups."""
    values = [
        simulated_critical_value(
            columns, size, alpha=level, permutations=permutations, rng=stream(seed, f"plan {size} {level}")
        )
        for size in _SIZES
    ]
    return CriticalValue(float(np.mean([value.z for value in values])), max(value.error for value in values))


def _groups_for_evidence(
    columns: Sequence[Column],
    groups: int | None,
    effect: float,
    *,
    common: float,
    critical: CriticalValue,
    policy: Policy,
    seed: int,
) -> int | None:
    if groups is None:
        return None
    rng = stream(seed, f"plan excess {common}")
    multiple = evidence_multiple(columns, groups, effect, common=common, critical=critical.z, policy=policy, rng=rng)
    return None if multiple is None else math.ceil(groups * multiple)


def _test_range(pilot: Pilot | None, groups_for: Callable[[float], int | None]) -> GroupRange | None:
    """Groups at the ends of the pilot's interval: many at its lower end, few at its upper one."""
    if pilot is None:
        return None
    low, high = (groups_for(auc) if 0.5 < auc < 1.0 else None for auc in (pilot.effect_low, pilot.effect_high))
    return GroupRange(low=low, high=high)
