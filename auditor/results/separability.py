"""Separability: the result of the statistical engine that tests whether two sets of rows differ."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Direction, Number, Record, Share


class Interval(Record):
    """A two-sided confidence interval."""

    low: Share
    high: Share
    level: Share = 0.95


class Statistic(Record):
    """One of the standardised statistics whose maximum is the test."""

    name: str
    """`learned`, `mean`, or `family:NAME`."""

    z: Number
    """Observed value standardised by its permutation mean and standard deviation; large means 'differs'."""

    p_adjusted: Share
    """Single-step adjusted p-value under the maximum over all statistics."""


class ColumnEffect(Record):
    """One feature on its own."""

    name: str
    family: str
    direction: Direction
    auc: Share
    """Probability that a suspect group exceeds a held-out group on the oriented feature (ties half)."""

    auc_interval: Interval
    """Bootstrap by group."""

    p_adjusted: Share
    """Westfall-Young single-step adjusted p-value over all columns, same permutations as the main test."""

    weight: Number
    """Coefficient in the ridge discriminant fitted on all rows, for description only."""

    missing_suspect: Share
    missing_heldout: Share


class Separability(Record):
    """Result of the engine."""

    p_value: Share
    """Add-one permutation p-value of the largest standardised statistic. Null: the rows are exchangeable between
    the sides. Unit: the group."""

    alpha: Share
    statistics: tuple[Statistic, ...]
    """Each member of the maximum with its adjusted p-value."""

    critical_z: Number
    """The maximum's permutation quantile at `alpha`."""

    auc: Share
    """AUC of the out-of-fold learned score, suspect over held-out."""

    auc_interval: Interval
    """Bootstrap by group, widened by `refit_widening` about the AUC."""

    mean_z: Number | None
    """The unweighted mean of oriented features, standardised; positive means suspect looks more member-like. None
    where no column has a direction."""

    detectable_auc: Share | None
    """Smallest AUC of the mean statistic (of the learned score where no column has a direction) that this design
    would have found with 80 % power at alpha."""

    groups_suspect: Count
    groups_heldout: Count
    permutations: Count
    folds: Count
    scores: tuple[Number, ...]
    """Out-of-fold learned score of each row, in row order."""

    columns: tuple[ColumnEffect, ...]
    """Each feature on its own."""

    refit_widening: Number = 1.0
    """Spread of the learned statistic over refitted permutations, over its spread with fixed scores."""


class RowOrder(Record):
    """Whether neighbouring groups resemble each other; described and not judged."""

    p_value: Share
    """Exact p-value of 'the reading order of the groups does not matter'."""

    run_length: Count
    """Length of the runs of neighbours that resemble each other most."""

    variance_ratio: Number
    """How many times more the difference between halves varies when such runs move together than when groups move
    alone; 1 where neighbours are independent. By this factor the effective number of groups falls if such runs are
    the true units."""


class CurvePoint(Record):
    """The same test on the first `groups` groups a side of a random order fixed by the seed."""

    groups: Count
    p_value: Share
    auc: Share
    auc_interval: Interval


def level_of(confidence: float) -> float:
    """The level that goes with a confidence: 0.05 with 0.95, without the rounding error of the difference."""
    return round(1 - confidence, 12)


class Excess(Record):
    """How much of what the test finds is beyond what separates the sets without training."""

    over: Literal["text", "reference"]
    """What is taken into account: the text alone, or every reference model together with the text."""

    difference: Number
    """Over text: membership AUC minus the AUC of text alone (not below one half), paired by group. Over a reference:
    the AUC, minus one half, of the change from the reference less what text and reference predict of that change; of
    the reference with the largest p-value."""

    lower: Number | None
    """One-sided lower bound of the difference over text; None over a reference."""

    p_value: Share | None
    """Permutation p-value of the adjusted change over a reference, the largest of all references; None over text. Null:
    the adjusted changes are exchangeable between the sides. Unit: the group."""

    level: Share
    """Confidence of the bound over text; over a reference, one minus the level of the p-value."""

    @property
    def alpha(self) -> float:
        """The level that the p-value over a reference has to reach."""
        return level_of(self.level)

    @property
    def shown(self) -> bool:
        """Whether there is more than the text, or the reference, explains."""
        if self.lower is not None:
            return self.lower > 0
        return self.p_value is not None and self.p_value <= self.alpha
