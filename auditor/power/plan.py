"""A plan: how many groups a side an audit needs for each verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from auditor.core.errors import UsageError
from auditor.core.record import Count, Number, Record, Share
from auditor.core.seeds import stream
from auditor.power.critical_value import CriticalValue, simulated_bar
from auditor.power.evidence import evidence_multiple
from auditor.power.groups import auc_seen_with, groups_a_side
from auditor.power.pilot import Pilot, pilot_bar, pilot_columns, pilot_of, pilot_widening
from auditor.power.rows import planned_columns
from auditor.results.policy import Policy
from auditor.results.result import AuditResult
from auditor.results.rows import Column
from auditor.settings import require_permutations

COMMON = (0.5, 0.0)
"""Shares of variance that all features have in common, at which the way to EVIDENCE is simulated."""
_SIZES = (100, 300)


class Ends(Record):
    """What the ends of the pilot's interval would ask for; None where no number of groups would do."""

    low: Count | None
    high: Count | None


class Plan(Record):
    """How many groups a side."""

    effect: Share
    """AUC of the mean of the oriented features that is to be found."""

    power: Share
    """Wanted probability of finding it."""

    alpha: Share
    """Level over all audits together."""

    audits: Count
    """Audits corrected together."""

    level: Share
    """What Holm's correction leaves the strictest of them: alpha over audits."""

    required_auc: Share
    """What NO EVIDENCE must have been able to see."""

    critical_z: Number
    """The bar at `level`."""

    bar_from: Literal["simulated rows", "the pilot"]
    """Where it was found."""

    columns: Count
    """Features of the test."""

    families: Count
    """Families of them."""

    test: Count | None
    """For the membership test to reject. None: more than any audit has."""

    evidence_common: Count | None
    """For EVIDENCE, where features share half their variance. None: over four times as many."""

    evidence_apart: Count | None
    """The same where they are independent."""

    no_evidence: Count | None
    """For NO EVIDENCE, where there is nothing to find."""

    sees: Share | None
    """The AUC that `test` groups see, at most `effect`."""

    minimum: Count
    """Fewest groups a side that any verdict needs."""

    seed: int
    """Of the simulations."""

    pilot: Pilot | None = None
    """The pilot that was given."""

    range: Ends | None = None
    """`test` at the ends of the pilot's interval, where the effect is the pilot's."""


def make_plan(
    effect: float | None,
    *,
    policy: Policy,
    audits: int = 1,
    features: str = "default",
    reference: bool = False,
    permutations: int = 9999,
    pilot: AuditResult | None = None,
    seed: int = 0,
) -> Plan:
    """Plan an audit.

    Args:
        effect: AUC of the mean of the oriented features to be found; the pilot's own where it is None.
        policy: Level, power, required AUC and the levels of the guards.
        audits: Audits whose p-values are corrected together.
        features: Selection of features; a pilot's own take its place.
        reference: Whether there will be a reference model.
        permutations: Of the planned audit.
        pilot: A result to take the bar, the features and the spread from.
        seed: Of the simulations.

    Raises:
        UsageError: There is no effect to plan for, or the permutations cannot reach the level.
    """
    level = policy.alpha / audits
    require_permutations(permutations, level)
    seen = None if pilot is None else pilot_of(pilot)
    wanted = _wanted(effect, seen)
    columns = planned_columns(features, reference=reference) if pilot is None else pilot_columns(pilot)
    if not columns:
        raise UsageError("no feature is left to plan for", hint="Name other --features, or add --with-reference.")
    widening = 1.0 if pilot is None else pilot_widening(pilot)

    def bar_at(at: float) -> CriticalValue:
        if pilot is not None:
            return pilot_bar(pilot, at, permutations)
        return _mean_bar(columns, at, permutations, seed)

    def groups_for(auc: float, critical: float) -> int | None:
        return groups_a_side(auc, critical=critical, power=policy.power, widening=widening)

    bar = bar_at(level)
    # A verdict's detectable effect is stated at the level before any correction for a batch.
    single = bar if audits == 1 else bar_at(policy.alpha)
    test = groups_for(wanted, bar.z)
    base = None if test is None else max(test, policy.minimum_groups)
    low, high = (
        _groups_for_evidence(columns, base, wanted, common=common, bar=bar, policy=policy, seed=seed)
        for common in COMMON
    )
    return Plan(
        effect=wanted,
        power=policy.power,
        alpha=policy.alpha,
        audits=audits,
        level=level,
        required_auc=policy.required_auc,
        critical_z=bar.z,
        bar_from="simulated rows" if pilot is None else "the pilot",
        columns=len(columns),
        families=len({column.family for column in columns}),
        test=test,
        evidence_common=low,
        evidence_apart=high,
        no_evidence=groups_for(policy.required_auc, single.cautious),
        sees=None if test is None else auc_seen_with(test, critical=bar.z, power=policy.power, widening=widening),
        minimum=policy.minimum_groups,
        seed=seed,
        pilot=seen,
        range=_range(seen, lambda auc: groups_for(auc, bar.z)) if effect is None else None,
    )


def _wanted(effect: float | None, pilot: Pilot | None) -> float:
    if effect is not None:
        return effect
    if pilot is None:
        raise UsageError("a plan needs an effect", hint="Give --effect, or --pilot with a result to take it from.")
    if not 0.5 < pilot.effect < 1.0:
        raise UsageError(
            f"the pilot's features point away from training or nowhere (AUC of their mean {pilot.effect:.2f})",
            hint="Give the effect that the audit should be able to find with --effect.",
        )
    return pilot.effect


def _mean_bar(columns: Sequence[Column], level: float, permutations: int, seed: int) -> CriticalValue:
    """The bar hardly depends on the number of groups: its mean over a few sizes, one simulation each."""
    bars = [
        simulated_bar(columns, size, alpha=level, permutations=permutations, rng=stream(seed, f"plan {size} {level}"))
        for size in _SIZES
    ]
    return CriticalValue(float(np.mean([bar.z for bar in bars])), max(bar.error for bar in bars))


def _groups_for_evidence(
    columns: Sequence[Column],
    groups: int | None,
    effect: float,
    *,
    common: float,
    bar: CriticalValue,
    policy: Policy,
    seed: int,
) -> int | None:
    if groups is None:
        return None
    rng = stream(seed, f"plan excess {common}")
    multiple = evidence_multiple(columns, groups, effect, common=common, critical=bar.z, policy=policy, rng=rng)
    return None if multiple is None else math.ceil(groups * multiple)


def _range(pilot: Pilot | None, groups_for: Callable[[float], int | None]) -> Ends | None:
    """Groups at the ends of the pilot's interval: many at its lower end, few at its upper one."""
    if pilot is None:
        return None
    low, high = (groups_for(auc) if 0.5 < auc < 1.0 else None for auc in (pilot.effect_low, pilot.effect_high))
    return Ends(low=low, high=high)
