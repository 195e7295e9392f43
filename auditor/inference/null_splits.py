"""Comparison of one set of rows with itself: is the engine calibrated?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from auditor.core.errors import UsageError
from auditor.inference.design import build_design, permuted_labels
from auditor.inference.null_distribution import PermutationStatistics, standardise, tail
from auditor.inference.threads import one_blas_thread
from auditor.results.rows import Rows

_FEWEST = 8


@dataclass(frozen=True, slots=True)
class NullSplits:
    """Result of comparing one set of rows with itself.

    Attributes:
        p_values: [splits] of the engine on random halves.
        uniformity_p: Two-sample Kolmogorov-Smirnov p-value that the halves and the permutations have one distribution.
        share_below: Share of the p-values at or below 0.05.
    """

    p_values: tuple[float, ...]
    uniformity_p: float
    share_below: float


def null_split_pvalues(
    rows: Rows, *, rng: np.random.Generator, splits: int = 200, permutations: int = 9999, folds: int = 5
) -> NullSplits:
    """Split rows in random halves many times; the engine's permutations must rank them as their own.

    The halves are drawn by plain shuffling, the permutations by the engine. All are evaluated under one design and its
    folds, and standardised together, so hundreds of halves cost little more than one. The two samples of the largest
    statistic are compared with each other: the p-values of the halves are ranks in one finite sample, so they are
    discrete and not independent, and a one-sample test against the uniform law would reject too often.

    Null: halves and permutations are exchangeable, which holds for any data unless the engine is broken. Unit: the
    labelling. Source: Smirnov 1939; exact for continuous statistics, conservative under ties.

    Args:
        rows: Rows of one kind; `suspect` is ignored.
        rng: Draws splits, folds and permutations.
        splits: Random halves to report.
        permutations: Pool against which each is ranked.
        folds: Folds of the engine.

    Raises:
        UsageError: Fewer than eight rows.
    """
    from scipy.stats import ks_2samp  # takes a second to import: only where it is computed

    count = len(rows.groups)
    if count < _FEWEST:
        raise UsageError(f"{count} groups cannot be split against themselves", hint=f"At least {_FEWEST} are needed.")
    half_rng, fold_rng, label_rng = rng.spawn(3)
    halves = np.array([half_rng.permutation(np.arange(count) < count // 2) for _ in range(splits)])
    with one_blas_thread():
        design = build_design(replace(rows, suspect=halves[0]), folds=folds, rng=fold_rng)
        statistics = PermutationStatistics(design, rows.columns)
        drawn = statistics.pool([np.ascontiguousarray(halves[:, design.order].T, dtype=np.float64)]).raw
        # The first labelling is the observed one, which is one of the halves.
        permuted = statistics.pool(permuted_labels(design, permutations, label_rng)).raw[:, 1:]
    largest = standardise(np.hstack([drawn, permuted])).max(axis=0)
    p = (tail(largest[splits:], largest[:splits]) * permutations + 1) / (permutations + 1)
    return NullSplits(
        p_values=tuple(p.tolist()),
        uniformity_p=float(ks_2samp(largest[:splits], largest[splits:]).pvalue),
        share_below=float(np.mean(p <= 0.05)),
    )
