"""AUC and its bootstrap by group."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor.inference.design import Bools, Design, Floats, Ints
from auditor.inference.midranks import midranks
from auditor.results.separability import Interval

_CHUNK_BYTES = 4_000_000


def aucs(scores: Floats, suspect: Bools) -> Floats:
    """Of each column of scores [rows, columns], the AUC: see `auc`."""
    above = int(suspect.sum())
    ranks = midranks(scores)[suspect].sum(axis=0)
    areas: Floats = (ranks - above * (above + 1) / 2) / (above * (len(scores) - above))
    return areas


def auc(scores: Floats, suspect: Bools) -> float:
    """Probability that a suspect row scores above a held-out row [rows], ties counting half."""
    return float(aucs(scores[:, None], suspect)[0])


def resamples(suspect: Bools, pairs: Ints, bootstraps: int, rng: np.random.Generator) -> Iterator[Floats]:
    """Number of draws of each row in each bootstrap sample of groups.

    Groups on the suspect side only, on the held-out side only and on both sides are resampled within their kind, so
    the two rows of one group always go together and the sides keep their sizes.

    Args:
        suspect: [rows] bool.
        pairs: [pairs, 2] the two rows of each group on both sides.
        bootstraps: Number of samples.
        rng: Spawns one stream for each kind of group.

    Yields:
        [rows, chunk] counts as float64.
    """
    alone = np.setdiff1d(np.arange(len(suspect)), pairs)
    kinds = [alone[suspect[alone]][:, None], alone[~suspect[alone]][:, None], pairs]
    streams = rng.spawn(len(kinds))
    size = max(1, _CHUNK_BYTES // (8 * len(suspect)))
    for start in range(0, bootstraps, size):
        count = min(size, bootstraps - start)
        weights = np.zeros((len(suspect), count))
        for members, stream in zip(kinds, streams, strict=True):
            if len(members):
                drawn = stream.integers(0, len(members), size=(count, len(members)), dtype=np.int64)
                drawn += len(members) * np.arange(count)[:, None]
                times = np.bincount(drawn.ravel(), minlength=count * len(members)).reshape(count, -1).T
                weights[members] = times[:, None, :]
        yield weights


def weighted_auc(scores: Floats, suspect: Bools, weights: Floats) -> Floats:
    """AUC [samples] of one score under many weightings [rows, samples] of its rows, ties counting half."""
    ahead, behind = np.flatnonzero(suspect), np.flatnonzero(~suspect)
    behind = behind[np.argsort(scores[behind], kind="stable")]
    ordered = scores[behind]
    below = np.zeros((len(behind) + 1, weights.shape[1]))
    np.cumsum(weights[behind], axis=0, out=below[1:])
    low, high = (np.searchsorted(ordered, scores[ahead], side=side) for side in ("left", "right"))
    mine = weights[ahead]
    wins = np.einsum("ij,ij->j", mine, below[low])
    if np.any(low != high):
        wins = 0.5 * (wins + np.einsum("ij,ij->j", mine, below[high]))
    chances: Floats = wins / (mine.sum(axis=0) * below[-1])
    return chances


def bootstrap_aucs(scores: Floats, design: Design, bootstraps: int, rng: np.random.Generator) -> Floats:
    """AUC [samples, scores] of each column of scores [rows, scores] under the same resamples of groups."""
    chunks = [
        np.stack([weighted_auc(column, design.suspect, weights) for column in scores.T], axis=1)
        for weights in resamples(design.suspect, design.pairs, bootstraps, rng)
    ]
    return np.concatenate(chunks)


def percentile_interval(samples: Floats, *, level: float = 0.95, centre: float = 0.5, widen: float = 1.0) -> Interval:
    """Percentile bootstrap interval of AUC samples [samples], its ends moved away from `centre` by a factor."""
    low, high = centre + widen * (np.quantile(samples, [(1 - level) / 2, (1 + level) / 2]) - centre)
    return Interval(low=float(np.clip(low, 0.0, 1.0)), high=float(np.clip(high, 0.0, 1.0)), level=level)


def relabelling_spread(scores: Floats, design: Design) -> float:
    """Standard deviation, over permuted labels, of the sum of fixed scores [rows] over suspect rows."""
    alone = scores[design.singles]
    share = float(design.suspect[design.singles].mean()) if len(alone) else 0.0
    between = len(alone) * share * (1 - share) * float(alone.var(ddof=1)) if len(alone) > 1 else 0.0
    within = float(np.square(np.diff(scores[design.pairs], axis=1)).sum()) / 4
    return float(np.sqrt(between + within))
