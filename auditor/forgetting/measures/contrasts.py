"""Contrasts of a set with the held-out set at every checkpoint: gap, change of the gap, memorisation, equivalence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.forgetting.measures.bootstrap import NO_SPREAD, Resampler, change_since_origin, estimate
from auditor.forgetting.measures.columns import GroupedSeries, group_series
from auditor.forgetting.measures.memorisation import events_until, memorisation, memorised
from auditor.inference.auc import aucs
from auditor.inference.design import Floats, permuted_labels
from auditor.inference.equivalence import MeanGap, detectable_difference, equivalence_pvalue, mean_gap
from auditor.inference.mean_difference import pvalues, studentised_differences
from auditor.inference.multiplicity import holm
from auditor.inference.threads import one_blas_thread
from auditor.results.forgetting.contrast import Contrast, Equivalence
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.policy import ForgettingPolicy


def measure_contrasts(
    measurements: SeriesMeasurements,
    role: Literal["suspect", "placebo"],
    *,
    reference: str | None,
    rng: np.random.Generator,
    permutations: int,
    policy: ForgettingPolicy,
    alpha: float,
    power: float,
    bootstraps: int = 1000,
) -> dict[str, Contrast]:
    """Compare a set of documents with the held-out set at every checkpoint.

    Losses are bits per byte of a document, averaged over the documents of a group with equal weight and then over
    groups: means of documents, not of tokens. A drift of the model that adds the same to every document cancels in the
    difference-in-differences; a drift that adds more to texts of higher loss does not.

    Null of `gap_p_value`: groups are exchangeable between the sets. Null of `did_p_value`: their changes since the
    origin are. Both are permutation p-values of the studentised difference (see `auditor.inference.mean_difference`)
    with the same permuted labels. Unit: the group. Assumption: none beyond exchangeability; groups are independent for
    the intervals, which come from one set of bootstrap samples.

    Args:
        measurements: The series.
        role: Role of the set compared with held-out.
        reference: Name of the checkpoint whose gap counts as 100 %; None where there is none.
        rng: Spawns the streams of permuted labels and bootstrap samples.
        permutations: Random permuted labels.
        policy: Margin and level of the equivalence test.
        alpha: Two-sided level of the detectable gap.
        power: Power of the detectable gap.
        bootstraps: Bootstrap samples of groups behind each interval.

    Returns:
        One contrast a checkpoint, by name, in the order of the series.

    Raises:
        UsageError: A set has fewer than two groups.
        ValueError: The reference is not a checkpoint.
    """
    fold_rng, label_rng, sample_rng = rng.spawn(3)
    sides = group_series(measurements, role, rng=fold_rng)
    if reference is not None and reference not in sides.checkpoints:
        raise ValueError(f"no checkpoint is called {reference!r}")
    with one_blas_thread():
        figures = _figures(sides, bootstraps, sample_rng)
        gap_p, did_p = _pvalues(sides, permutations, label_rng)
        remembered = memorisation(sides, figures.resampler)
    retained = _retained(figures, sides.checkpoints, reference)
    above, share = memorised(sides)
    gap_adjusted, did_adjusted = holm(gap_p), holm(did_p)
    equivalences = _equivalence(figures.errors, policy, alpha, power)
    contrasts = {}
    for index, name in enumerate(sides.checkpoints):
        area = estimate(figures.area[index], figures.areas[:, index])
        contrasts[name] = Contrast(
            documents=len(sides.ours.ids),
            groups=sides.groups,
            loss=estimate(figures.ours[index], figures.our_samples[:, index]),
            change=change_since_origin(figures.ours, figures.our_samples, index),
            gap=estimate(figures.gap[index], figures.gaps[:, index]),
            gap_p_value=gap_p[index],
            gap_p_adjusted=gap_adjusted[index],
            effect_size=estimate(
                figures.gap[index] / figures.spread[index], figures.gaps[:, index] / figures.spreads[:, index]
            ),
            auc=area,
            trace=trace(area),
            retained=retained[index],
            # What the gap lost is what the set lost more than held-out did.
            difference_in_differences=change_since_origin(-figures.gap, -figures.gaps, index),
            did_p_value=did_p[index - 1] if index else None,
            did_p_adjusted=did_adjusted[index - 1] if index else None,
            memorisation=remembered[index],
            equivalence=equivalences[index],
            events=events_until(above[:, : index + 1], float(share[index])),
        )
    return contrasts


@dataclass(frozen=True, slots=True)
class _Figures:
    """Figures [checkpoints] with their bootstrap samples [samples, checkpoints]."""

    resampler: Resampler
    ours: Floats
    our_samples: Floats
    gap: Floats
    gaps: Floats
    spread: Floats
    spreads: Floats
    area: Floats
    areas: Floats
    errors: tuple[MeanGap, ...]


def _figures(sides: GroupedSeries, bootstraps: int, rng: np.random.Generator) -> _Figures:
    loss, design = sides.values["loss"], sides.design
    resampler = Resampler(design.suspect, design.pairs, bootstraps=bootstraps, rng=rng)
    errors = tuple(mean_gap(column, design.suspect, design.pairs) for column in loss.T)
    our_samples = resampler.means(loss, suspect=True)
    return _Figures(
        resampler=resampler,
        ours=loss[design.suspect].mean(axis=0),
        our_samples=our_samples,
        gap=np.array([-error.difference for error in errors]),
        gaps=resampler.means(loss, suspect=False) - our_samples,
        spread=np.array([max(error.spread, NO_SPREAD) for error in errors]),
        spreads=resampler.spreads(loss),
        area=aucs(-loss, design.suspect),
        areas=resampler.aucs(-loss),
        errors=errors,
    )


def _pvalues(
    sides: GroupedSeries, permutations: int, rng: np.random.Generator
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """P-values of the gap at every checkpoint and of the change since the origin at every later one."""
    loss = sides.values["loss"]
    columns = np.hstack([loss, loss[:, 1:] - loss[:, :1]])
    pool = studentised_differences(columns, sides.design, permuted_labels(sides.design, permutations, rng))
    p_values = pvalues(pool)
    return p_values[: loss.shape[1]], p_values[loss.shape[1] :]


def _retained(figures: _Figures, checkpoints: tuple[str, ...], reference: str | None) -> list[Estimate | None]:
    """Gap as a share of the reference's, from the same samples; None unless the interval of that gap is above zero.

    Below zero the reference shows no memory of the set that a later checkpoint could retain.
    """
    whole = None if reference is None else checkpoints.index(reference)
    known = whole is not None and estimate(figures.gap[whole], figures.gaps[:, whole]).low > 0
    if whole is None or not known:
        return [None] * len(checkpoints)
    below = figures.gaps[:, whole]
    # In a few samples the reference has no gap: the share is unbounded there and counts as the largest of the others.
    shares = figures.gaps / np.where(below > 0, below, np.nan)[:, None]
    shares = np.where(np.isnan(shares), np.nanmax(shares, axis=0), shares)
    return [
        estimate(figures.gap[index] / figures.gap[whole], shares[:, index]) if index > whole else None
        for index in range(len(checkpoints))
    ]


def trace(area: Estimate) -> Estimate:
    """|2 AUC - 1| with the folded interval of the AUC, which starts at zero where that contains one half."""
    ends = abs(2 * area.low - 1), abs(2 * area.high - 1)
    low = 0.0 if area.low <= 0.5 <= area.high else min(ends)
    return Estimate(value=abs(2 * area.value - 1), low=low, high=max(ends), level=area.level)


def _equivalence(gaps: Sequence[MeanGap], policy: ForgettingPolicy, alpha: float, power: float) -> list[Equivalence]:
    """Equivalence at each checkpoint, with Holm's correction over the checkpoints."""
    margins = [policy.equivalence_d * gap.spread for gap in gaps]
    p_values = [equivalence_pvalue(gap, margin) for gap, margin in zip(gaps, margins, strict=True)]
    equivalences = []
    for gap, margin, p_value, p_adjusted in zip(gaps, margins, p_values, holm(p_values), strict=True):
        detectable = detectable_difference(gap, alpha=alpha, power=power)
        equivalences.append(
            Equivalence(
                p_value=p_value,
                p_adjusted=p_adjusted,
                margin=margin,
                margin_d=policy.equivalence_d,
                equivalent=p_adjusted <= policy.equivalence_alpha,
                detectable_gap=detectable,
                detectable_d=detectable / max(gap.spread, NO_SPREAD),
            )
        )
    return equivalences
