"""The statistics of an intervention: losses along its steps, tested by permutation, shown with bootstrap intervals."""

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
        shown: [documents, points] bits per byte under the model the figures are about; column 0 is the checkpoint as
            it is.
        judged: [readings, documents, points] what the tests look at, in units that may differ between readings; the
            first is in bits per byte. It must not depend on which set a document is in.
        groups: Group of each document.
        suspect: [documents] True for the suspect set, or for the placebo set in its place.
    """

    shown: Floats
    judged: Floats
    groups: Sequence[str]
    suspect: Bools


@dataclass(frozen=True, slots=True)
class CurveSummary:
    """The p-values of an intervention.

    Attributes:
        after: Suspect groups score better than held-out ones after it.
        rise: They have gained more by it.
        both: The larger: evidence for the one and the other (intersection-union test, Berger 1982).
    """

    after: float
    rise: float

    @property
    def both(self) -> float:
        """The p-value of the intervention."""
        return max(self.after, self.rise)


@dataclass(frozen=True, slots=True)
class Shown:
    """The figures of one point."""

    suspect: Estimate
    heldout: Estimate
    gap: Estimate
    auc: Estimate


@dataclass(frozen=True, slots=True)
class Units:
    """Losses by group, in the order of the design.

    Attributes:
        design: Its columns are the judged losses after step 0 in all readings, then the gains since step 0.
        shown: [units, points] bits per byte.
        judged: [units, points] the first reading.
    """

    design: Design
    shown: Floats
    judged: Floats


def units_of(losses: Losses, rng: np.random.Generator) -> Units:
    """Average documents within groups; documents without a scored token are left out.

    Args:
        losses: Losses by document.
        rng: Draws the order in which groups are held.

    Raises:
        UsageError: A set has fewer than two groups.
    """
    readings, _, points = losses.judged.shape
    whole = np.hstack([losses.shown, *losses.judged])
    present = np.isfinite(whole).all(axis=1)
    measurements = np.flatnonzero(present)
    columns = tuple(Column(str(index), "loss", -1) for index in range(whole.shape[1]))
    rows = group_rows(
        FeatureTable(columns=columns, values=whole[present]),
        [losses.groups[int(index)] for index in measurements],
        losses.suspect[measurements].tolist(),
    )
    shown, *judged = np.split(rows.values, 1 + readings, axis=1)
    after = [some[:, 1:] for some in judged]
    gains = [some[:, :1] - some[:, 1:] for some in judged]
    tested = tuple(
        Column(f"{name} {number}", name, direction)
        for name, direction in _TESTED
        for number in range(readings * (points - 1))
    )
    design = build_design(Rows(np.hstack([*after, *gains]), rows.suspect, rows.groups, tested), folds=2, rng=rng)
    return Units(design, shown[design.order], judged[0][design.order])


def summarise_curve(units: Units, *, permutations: int, rng: np.random.Generator) -> CurveSummary:
    """Has the suspect set come back, and was it the intervention?

    Losses, and gains since step 0, become normal scores over all groups together; the statistic is the largest over
    the points and the readings of the studentised differences between the sides.

    Null: groups are exchangeable between the sets. Unit: the group. Assumption: none beyond exchangeability; in
    particular what was trained on must not depend on which set a scored group is in. The p-values are exact.
    Source: Westfall and Young 1993, ch. 2 (single-step maximum); Phipson and Smyth 2010 (add-one p-value).

    Args:
        units: Losses by group.
        permutations: Random permuted labels.
        rng: Draws them.
    """
    with one_blas_thread():
        t = studentised_differences(units.design.matrix, units.design, permuted_labels(units.design, permutations, rng))
    points = len(t) // 2
    after, rise = t[:points].max(axis=0), t[points:].max(axis=0)
    return CurveSummary(float(tail(after, after[0])), float(tail(rise, rise[0])))


def show_curve(units: Units, *, bootstraps: int, rng: np.random.Generator) -> tuple[Shown, ...]:
    """The figures of each point, with intervals from the same resamples of groups at all of them."""
    suspect = units.design.suspect
    resampler = Resampler(suspect, units.design.pairs, bootstraps=bootstraps, rng=rng)
    ours, theirs = (resampler.means(units.shown, suspect=side) for side in (True, False))
    areas = resampler.aucs(-units.judged)
    mine, other = units.shown[suspect].mean(axis=0).tolist(), units.shown[~suspect].mean(axis=0).tolist()
    return tuple(
        Shown(
            suspect=estimate(mine[point], ours[:, point]),
            heldout=estimate(other[point], theirs[:, point]),
            gap=estimate(other[point] - mine[point], theirs[:, point] - ours[:, point]),
            auc=estimate(auc(-units.judged[:, point], suspect), areas[:, point]),
        )
        for point in range(units.shown.shape[1])
    )
