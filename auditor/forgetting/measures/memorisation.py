"""Verbatim memorisation under teacher forcing: measures of a document, events of a set, comparison with held-out.

A token is a hit where no vocabulary entry is more probable (`rank` 0). Greedy decoding reproduces a span exactly where
all its tokens are hits, so nothing needs to be generated, up to ties of the most probable entries.
"""

from __future__ import annotations

import math
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from auditor.forgetting.measures.bootstrap import Resampler, estimate
from auditor.forgetting.measures.columns import Columns, GroupedSeries
from auditor.inference.design import Bools, Floats
from auditor.results.forgetting.contrast import Events, Memorisation
from auditor.signals.tokens import TokenSignals

PREFIX = 50
SUFFIX = 50


def exact_memorisation(signals: TokenSignals) -> float:
    """Share of the scored tokens that are hits, the last token included.

    Natural text is predictable in part, so compare the figure with that of unseen text.

    Source: Tirumala et al. 2022 (arXiv 2205.10770), section 3.

    Returns:
        0 to 1; NaN without scored tokens.
    """
    return float((signals.rank == 0).mean()) if len(signals) else math.nan


def extraction_strength(signals: TokenSignals) -> float:
    """Share of the text that greedy decoding reproduces from the shortest prefix that yields all the rest.

    1 - k/n with k the fewest leading tokens after which every token is a hit (after Carlini et al. 2021, arXiv
    2012.07805): 0 where the last token is no hit, 1 where all n are hits.

    A text longer than the context is read in independent windows. Their strengths are then averaged, weighted by
    tokens: the sum of the closing runs of hits over the number of tokens.

    Returns:
        0 to 1; NaN without scored tokens.
    """
    if not len(signals):
        return math.nan
    closing_runs = (int(np.logical_and.accumulate(window[::-1]).sum()) for window in _windows(signals))
    return sum(closing_runs) / len(signals)


def k_extractable(signals: TokenSignals) -> float:
    """Whether greedy decoding from the first 50 tokens yields the next 50 (Carlini et al. 2023, arXiv 2202.07646).

    Tokens are the scored tokens of the first window: where the tokenizer adds no special token in front, the first
    token of the text is not scored, so the prefix is one token longer.

    Returns:
        1 or 0; NaN where the first window has fewer than 100 scored tokens.
    """
    first = _windows(signals)[0] if len(signals) else np.empty(0, dtype=np.bool_)
    if len(first) < PREFIX + SUFFIX:
        return math.nan
    return float(first[PREFIX : PREFIX + SUFFIX].all())


def _windows(signals: TokenSignals) -> list[npt.NDArray[np.bool_]]:
    """Hits of each window."""
    return np.split(signals.rank == 0, np.flatnonzero(np.diff(signals.positions) != 1) + 1)


QUANTILE = 0.95


def memorised_threshold(heldout: Columns) -> Floats:
    """95 % quantile [checkpoints] of the exact memorisation of the held-out documents."""
    return np.asarray(np.quantile(heldout.values["exact-memorisation"], QUANTILE, axis=0), dtype=np.float64)


def memorised(sides: GroupedSeries) -> tuple[Bools, Floats]:
    """Documents of the set strictly above the threshold, and the share of held-out documents above it.

    The unit is the document, not the group: threshold and counts are descriptive, without a test.

    Returns:
        [documents, checkpoints] and [checkpoints]; the share is below 5 % where documents tie at the threshold.
    """
    threshold = memorised_threshold(sides.heldout)
    above = sides.ours.values["exact-memorisation"] > threshold
    return above, (sides.heldout.values["exact-memorisation"] > threshold).mean(axis=0)


def events_until(above: Bools, share: float) -> Events:
    """Crossings of the threshold up to the last column.

    Documents near the threshold cross it by chance, so compare the counts with those of a placebo set.

    Source: Toneva et al. 2019 (arXiv 1812.05159), forgetting events, here between checkpoints.

    Args:
        above: [documents, checkpoints] whether each is above the threshold, the origin first.
        share: Share of held-out documents above the threshold at the last checkpoint.
    """
    lost, gained = above[:, :-1] & ~above[:, 1:], ~above[:, :-1] & above[:, 1:]
    return Events(
        memorised=int(above[:, -1].sum()),
        forgotten=int(lost.any(axis=1).sum()),
        learned=int(gained.any(axis=1).sum()),
        events=int(lost.sum()),
        expected=share * len(above),
    )


_Name = Literal["exact-memorisation", "extraction-strength", "k-extractable"]


def memorisation(sides: GroupedSeries, resampler: Resampler) -> list[tuple[Memorisation, ...]]:
    """The three measures at each checkpoint, means over groups, with intervals from the bootstrap samples of the gap.

    Descriptive: no state rests on them alone. Where every group has the same value the interval has zero width.

    Args:
        sides: The set and the held-out set.
        resampler: Bootstrap samples of their groups.
    """
    return list(zip(*(_over_checkpoints(sides, resampler, name) for name in get_args(_Name)), strict=True))


def _over_checkpoints(sides: GroupedSeries, resampler: Resampler, name: _Name) -> list[Memorisation]:
    values, suspect = sides.values[name], sides.design.suspect
    ours, theirs = (resampler.means(values, suspect=side) for side in (True, False))
    measures = []
    for index in range(len(sides.checkpoints)):
        column = values[:, index]
        mine, other = (column[mask & ~np.isnan(column)] for mask in (suspect, ~suspect))
        value = estimate(float(mine.mean()), ours[:, index]) if mine.size else None
        heldout = estimate(float(other.mean()), theirs[:, index]) if other.size else None
        difference = None
        if value is not None and heldout is not None:
            difference = estimate(value.value - heldout.value, ours[:, index] - theirs[:, index])
        measured = int((~np.isnan(sides.ours.values[name][:, index])).sum())
        measures.append(
            Memorisation(name=name, value=value, heldout=heldout, difference=difference, documents=measured)
        )
    return measures
