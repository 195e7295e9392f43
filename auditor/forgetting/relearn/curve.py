"""Statistics of an intervention: permutation tests of the losses along its steps, and bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.features.table import group_rows
from auditor.forgetting.measures.bootstrap import Resampler, estimate
from auditor.inference.auc import auc
from auditor.inference.design import Bools, Design, Floats, build_design, permuted_labels
from auditor.inference.mean_difference import studentised_differences
from auditor.inference.null_distribution import tail
from auditor.inference.threads import one_blas_thread
from auditor.results.forgetting.estimate import Estimate
from auditor.results.rows import Column, FeatureTable, Rows

_TESTED: tuple[tuple[str, Literal[-1, 1]], ...] = (("loss", -1), ("gain", 1))


@dataclass(frozen=True, slots=True)
class Losses:
    """Bits per byte of the documents of two sets along an intervention.

    Attributes:
        shown: [documents, points] bits per byte behind the reported figures; column 0 is the unchanged checkpoint.
        tested: [readings, documents, points] losses behind the tests, in units that may differ between readings; the
            first is in bits per byte. They must not depend on the set of a document.
        groups: Group of each document.
        suspect: [documents] True for the suspect set, or for the placebo set in its place.
    """

    shown: Floats
    tested: Floats
    groups: Sequence[str]
    suspect: Bools


@dataclass(frozen=True, slots=True)
class CurveSummary:
    """The p-values of an intervention.

    Attributes:
        after: P-value that suspect groups score better than held-out ones after the intervention.
        rise: P-value that they have gained more by it.
    """

    after: float
    rise: float

    @property
    def both(self) -> float:
        """The larger p-value: evidence for both claims (intersection-union test, Berger 1982)."""
        return max(self.after, self.rise)


@dataclass(frozen=True, slots=True)
class InterventionPoint:
    """The figures of one point of the curve."""

    suspect: Estimate
    heldout: Estimate
    gap: Estimate
    auc: Estimate


@dataclass(frozen=True, slots=True)
class Units:
    """Losses by group, in the order of the design.

    Attributes:
        design: Its columns are the tested losses after step 0 in all readings, then the gains since step 0.
        shown: [units, points] bits per byte behind the reported figures.
        tested: [units, points] the first reading of the tested losses.
    """

    design: Design
    shown: Floats
    tested: Floats


def units_of(losses: Losses, rng: np.random.Generator) -> Units:
    """Average documents within groups; documents without a scored token are left out.

    Args:
        losses: Losses by document.
        rng: Draws the order of the groups.

    Raises:
        UsageError: A set has fewer than two groups.
    """
    readings, _, points = losses.tested.shape
    values = np.hstack([losses.shown, *losses.tested])
    has_value = np.isfinite(values).all(axis=1)
    columns = tuple(Column(str(index), "loss", -1) for index in range(values.shape[1]))
    rows = group_rows(
        FeatureTable(columns=columns, values=values[has_value]),
        [losses.groups[index] for index in np.flatnonzero(has_value).tolist()],
        losses.suspect[has_value].tolist(),
    )
    shown, *by_reading = np.split(rows.values, 1 + readings, axis=1)
    after = [reading[:, 1:] for reading in by_reading]
    gains = [reading[:, :1] - reading[:, 1:] for reading in by_reading]
    tested = tuple(
        Column(f"{name} {number}", name, direction)
        for name, direction in _TESTED
        for number in range(readings * (points - 1))
    )
    design = build_design(Rows(np.hstack([*after, *gains]), rows.suspect, rows.groups, tested), folds=2, rng=rng)
    return Units(design, shown[design.order], by_reading[0][design.order])


def summarise_curve(units: Units, *, permutations: int, rng: np.random.Generator) -> CurveSummary:
    """Test whether the suspect set scores better after the intervention, and gains more by it, than the held-out set.

    Losses, and gains since step 0, become normal scores over all groups; the statistic is the largest studentised
    difference between the sets over points and readings.

    Null: groups are exchangeable between the sets. Unit: the group. Assumption: none beyond exchangeability; in
    particular the training data must not depend on the set of a scored group. The p-values are exact.
    Source: Westfall and Young 1993, ch. 2 (single-step maximum); Phipson and Smyth 2010 (add-one p-value).

    Args:
        units: Losses by group.
        permutations: Random permuted labels.
        rng: Draws the permuted labels.
    """
    with one_blas_thread():
        t = studentised_differences(units.design.matrix, units.design, permuted_labels(units.design, permutations, rng))
    points = len(t) // 2
    after, rise = t[:points].max(axis=0), t[points:].max(axis=0)
    return CurveSummary(float(tail(after, after[0])), float(tail(rise, rise[0])))


def describe_curve(units: Units, *, bootstraps: int, rng: np.random.Generator) -> tuple[InterventionPoint, ...]:
    """The figures of each point, with intervals from the same bootstrap samples of groups at all points."""
    suspect = units.design.suspect
    resampler = Resampler(suspect, units.design.pairs, bootstraps=bootstraps, rng=rng)
    ours, theirs = (resampler.means(units.shown, suspect=side) for side in (True, False))
    areas = resampler.aucs(-units.tested)
    mine, other = units.shown[suspect].mean(axis=0).tolist(), units.shown[~suspect].mean(axis=0).tolist()
    return tuple(
        InterventionPoint(
            suspect=estimate(mine[point], ours[:, point]),
            heldout=estimate(other[point], theirs[:, point]),
            gap=estimate(other[point] - mine[point], theirs[:, point] - ours[:, point]),
            auc=estimate(auc(-units.tested[:, point], suspect), areas[:, point]),
        )
        for point in range(units.shown.shape[1])
    )
