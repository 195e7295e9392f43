"""Membership AUC in excess of the AUC of text alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from auditor.inference.auc import auc, resamples, weighted_auc
from auditor.inference.design import Bools
from auditor.results.separability import Separability


@dataclass(frozen=True, slots=True)
class TextExcess:
    """Membership AUC minus text AUC.

    Attributes:
        difference: The estimate.
        lower: Its one-sided lower bound.
    """

    difference: float
    lower: float


def excess_auc(
    membership: Separability,
    text: Separability,
    suspect: Bools,
    *,
    level: float,
    rng: np.random.Generator,
    bootstraps: int = 2000,
) -> TextExcess:
    """Compare the out-of-fold AUC of the membership score with that of text alone, paired by group.

    Every resample of groups gives both AUCs, and the maximum is taken in each of them. As the average of a maximum
    exceeds the maximum of the averages, the resampled differences lie low where text is near one half, and so does
    the percentile bound: the conservative of the bootstrap bounds (the reflected one would err upwards). It is never
    above the bound against text nor the bound against one half, each taken alone at the same level, so it needs no
    correction for the two comparisons. Its distance from the estimate is widened by the larger of the two refit factors
    (see `Separability.refit_widening`), since scores are held fixed here.

    Unit: the group. Assumption: groups are independent. A group on both sides is resampled as two, which is
    conservative where its two rows agree.

    Args:
        membership: Engine on the model's features.
        text: Engine on text features, rows in the same order.
        suspect: [rows] labels in that order.
        level: Confidence of the one-sided bound, e.g. 0.95.
        rng: Draws the resamples.
        bootstraps: Number of resamples.

    Raises:
        ValueError: The three do not have the same rows.
    """
    if not len(membership.scores) == len(text.scores) == len(suspect):
        raise ValueError(f"rows differ: {len(membership.scores)} membership, {len(text.scores)} text, {len(suspect)}")
    ours, theirs = np.array(membership.scores), np.array(text.scores)
    suspect = np.asarray(suspect, dtype=bool)
    difference = auc(ours, suspect) - max(auc(theirs, suspect), 0.5)
    samples = np.concatenate(
        [
            weighted_auc(ours, suspect, weights) - np.maximum(weighted_auc(theirs, suspect, weights), 0.5)
            for weights in resamples(suspect, np.empty((0, 2), dtype=np.intp), bootstraps, rng)
        ]
    )
    distance = difference - float(np.quantile(samples, 1 - level))
    widen = max(membership.refit_widening, text.refit_widening)
    return TextExcess(difference, difference - widen * distance)
