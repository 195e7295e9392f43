"""The one statistical engine: do these two sets of rows differ?"""

from __future__ import annotations

import numpy as np

from auditor.core.errors import UsageError
from auditor.inference.auc import auc, aucs, bootstrap_aucs, percentile_interval, relabelling_spread
from auditor.inference.design import Design, Floats, build_design, permuted_labels
from auditor.inference.null_distribution import (
    NullDistribution,
    PermutationStatistics,
    critical,
    one_sided,
    standardise,
    tail,
)
from auditor.inference.power import detectable_auc
from auditor.inference.threads import one_blas_thread
from auditor.results.rows import Rows
from auditor.results.separability import ColumnEffect, Separability, Statistic


def separability(
    rows: Rows,
    *,
    rng: np.random.Generator,
    alpha: float,
    permutations: int = 9999,
    folds: int = 5,
    bootstraps: int = 1000,
    power: float = 0.8,
) -> Separability:
    """Test whether two sets of groups differ, by how much, and what effect would be detected.

    Columns become pooled normal scores. The p-value is the add-one permutation p-value of the largest of the
    standardised statistics of `PermutationStatistics`, each refitted under every permutation.

    Null: the rows are exchangeable between the sides (the two rows of a group on both sides: within the group).
    Unit: the group. Assumption: none beyond exchangeability; the p-value is exact for any number of groups and
    columns. The intervals and `detectable_auc` are approximate.
    Source: Westfall and Young 1993, ch. 2 (single-step maximum); Phipson and Smyth 2010 (add-one p-value).

    Args:
        rows: [groups, columns] values with their labels.
        rng: Draws the folds, the permutations and the bootstrap, each from a stream of its own.
        alpha: Level at which `critical_z` and `detectable_auc` are stated.
        permutations: Random permuted labels; with few groups some repeat, which costs power, never validity.
        folds: Folds by group; fewer where there are not three groups a fold.
        bootstraps: Bootstrap samples of groups behind each 95 % interval.
        power: Power at which `detectable_auc` is stated.

    Returns:
        The effect with its interval, the p-values and the detectable effect; `scores` in the order of `rows`.

    Raises:
        UsageError: A side has fewer than two groups, no column is left, or the permutations cannot reach alpha.
        ValueError: The rows contradict themselves.
    """
    if not rows.columns:
        raise UsageError("no feature to compare the two sides by", hint="Select at least one feature.")
    if alpha * (permutations + 1) < 1 - 1e-9:
        raise UsageError(
            f"{permutations} permutations cannot give a p-value as small as alpha {alpha}",
            hint=f"Use at least {int(np.ceil(1 / alpha)) - 1} permutations or a larger alpha.",
        )
    with one_blas_thread():
        return _separability(rows, rng, alpha, permutations, folds, bootstraps, power)


def _separability(
    rows: Rows, rng: np.random.Generator, alpha: float, permutations: int, folds: int, bootstraps: int, power: float
) -> Separability:
    fold_rng, label_rng, sample_rng = rng.spawn(3)
    design = build_design(rows, folds=folds, rng=fold_rng)
    statistics = PermutationStatistics(design, rows.columns)
    pool = statistics.pool(permuted_labels(design, permutations, label_rng))
    z = standardise(pool.raw)
    largest = z.max(axis=0)
    critical_z = critical(largest, alpha)
    adjusted = tail(largest, z[:, 0])

    learned = statistics.crossfit.scores(design.suspect[:, None].astype(np.float64))[:, 0]
    samples = bootstrap_aucs(np.column_stack([learned, design.matrix]), design, bootstraps, sample_rng)
    area = auc(learned, design.suspect)
    widening = _refit_widening(pool, learned, design)
    scores = np.empty(len(learned))
    scores[design.order] = learned
    return Separability(
        p_value=float(tail(largest, largest[0])),
        alpha=alpha,
        statistics=tuple(
            Statistic(name=name, z=float(value), p_adjusted=float(p))
            for name, value, p in zip(pool.names, z[:, 0], adjusted, strict=True)
        ),
        critical_z=critical_z,
        auc=area,
        auc_interval=percentile_interval(samples[:, 0], centre=area, widen=widening),
        refit_widening=widening,
        mean_z=float(z[pool.names.index("mean"), 0]) if "mean" in pool.names else None,
        detectable_auc=_detectable(pool, critical_z, power, design),
        groups_suspect=int(design.suspect.sum()),
        groups_heldout=int((~design.suspect).sum()),
        permutations=permutations,
        folds=len(design.folds),
        scores=tuple(scores.tolist()),
        columns=_columns(rows, design, pool, statistics.crossfit.weights(), samples[:, 1:]),
    )


def _refit_widening(pool: NullDistribution, learned: Floats, design: Design) -> float:
    """How much wider than with fixed scores the learned statistic spreads when it is refitted.

    The bootstrap resamples rows whose scores are given, and so misses what the fits add: the same noise enters a
    score's training and its test. The permutations give the spread with refits; its ratio to the spread with fixed
    scores, about the square root of two, widens the interval. That is right where there is little effect and too
    wide where the effect is clear.
    """
    norm = float(np.linalg.norm(learned)) * np.sqrt(design.suspect.sum() * (~design.suspect).mean())
    fixed = relabelling_spread(learned, design) / norm if norm > 0 else 0.0
    return max(1.0, float(pool.raw[0, 1:].std()) / fixed) if fixed > 0 else 1.0


def _detectable(pool: NullDistribution, critical_z: float, power: float, design: Design) -> float | None:
    """Smallest detectable AUC of the mean statistic, or of the learned score where no column has a direction."""
    raw = pool.raw[pool.names.index("mean" if "mean" in pool.names else "learned"), 1:]
    if raw.std() == 0:
        return None
    return detectable_auc(
        critical=critical_z,
        power=power,
        mean=float(raw.mean()),
        spread=float(raw.std()),
        share=float(design.suspect.mean()),
    )


def _columns(
    rows: Rows, design: Design, pool: NullDistribution, weights: Floats, samples: Floats
) -> tuple[ColumnEffect, ...]:
    """Each feature on its own, with single-step p-values over all columns."""
    z = standardise(pool.totals)
    free = np.array([column.direction == 0 for column in rows.columns], dtype=bool)
    z[free] = one_sided(z[free])
    adjusted = tail(z.max(axis=0), z[:, 0])
    missing = np.isnan(rows.values)
    suspect = np.asarray(rows.suspect, dtype=bool)
    areas = aucs(design.matrix, design.suspect)
    return tuple(
        ColumnEffect(
            name=column.name,
            family=column.family,
            direction=column.direction,
            auc=float(areas[index]),
            auc_interval=percentile_interval(samples[:, index]),
            p_adjusted=float(adjusted[index]),
            weight=float(weights[index]),
            missing_suspect=float(missing[suspect, index].mean()),
            missing_heldout=float(missing[~suspect, index].mean()),
        )
        for index, column in enumerate(rows.columns)
    )
