"""Separability: the answer of the one statistical engine to 'do these two sets of rows differ?'."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record, Share


class Interval(Record):
    """A two-sided confidence interval."""

    low: Share
    high: Share
    level: Share = 0.95


class Statistic(Record):
    """One of the standardised statistics whose maximum is the test.

    Attributes:
        name: `learned`, `mean`, or `family:NAME`.
        z: Observed value standardised by its permutation mean and standard deviation; large means 'differs'.
        p_adjusted: Single-step adjusted p-value under the maximum over all statistics.
    """

    name: str
    z: Number
    p_adjusted: Share


class ColumnEffect(Record):
    """One feature on its own.

    Attributes:
        auc: Probability that a suspect group exceeds a held-out group on the oriented feature (ties half).
        auc_interval: Bootstrap by group.
        p_adjusted: Westfall-Young single-step adjusted p-value over all columns, same permutations as the main test.
        weight: Coefficient in the ridge discriminant fitted on all rows, for description only.
        missing: Share of groups without a value, suspect side and held-out side.
    """

    name: str
    family: str
    direction: Literal[-1, 0, 1]
    auc: Share
    auc_interval: Interval
    p_adjusted: Share
    weight: Number
    missing_suspect: Share
    missing_heldout: Share


class Separability(Record):
    """Result of the engine.

    Attributes:
        p_value: Add-one permutation p-value of the largest standardised statistic. Null: the rows are exchangeable
            between the sides. Unit: the group.
        statistics: Each member of the maximum with its adjusted p-value.
        critical_z: The maximum's permutation quantile at `alpha`.
        auc: AUC of the out-of-fold learned score, suspect over held-out.
        auc_interval: Bootstrap by group, widened by `refit_widening` about the AUC.
        mean_z: The unweighted mean of oriented features, standardised; positive means suspect looks more member-like.
            None where no column has a direction.
        detectable_auc: Smallest AUC of the mean statistic (of the learned score where no column has a direction) that
            this design would have found with 80 % power at alpha.
        scores: Out-of-fold learned score of each row, in row order.
        columns: Each feature on its own.
        refit_widening: Spread of the learned statistic over refitted permutations, over its spread with fixed scores.
    """

    p_value: Share
    alpha: Share
    statistics: tuple[Statistic, ...]
    critical_z: Number
    auc: Share
    auc_interval: Interval
    mean_z: Number | None
    detectable_auc: Share | None
    groups_suspect: Count
    groups_heldout: Count
    permutations: Count
    folds: Count
    scores: tuple[Number, ...]
    columns: tuple[ColumnEffect, ...]
    refit_widening: Number = 1.0


class CurvePoint(Record):
    """The same test on the first `groups` groups a side of a random order fixed by the seed."""

    groups: Count
    p_value: Share
    auc: Share
    auc_interval: Interval


class Excess(Record):
    """Membership AUC minus that of text alone (not below one half), paired by group, with a one-sided lower bound."""

    difference: Number
    lower: Number
    level: Share
