"""Verbatim memorisation, teacher-forced: measures of a document, events of a set, figures beside held-out.

A token is hit where no vocabulary entry is more probable (`rank` 0). Greedy decoding reproduces a stretch exactly where
all its tokens are hit, so hits answer what generation would, up to ties of the most probable entries.
"""

from __future__ import annotations

import math
from typing import Literal

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
    """Share of the scored tokens that are the model's first choice.

    Source: Tirumala et al. 2022 (arXiv 2205.10770), section 3. The last token counts like any other. Natural text is
    partly guessed, so the figure says something only beside that of unseen text.

    Returns:
        0 to 1; NaN without scored tokens.
    """
    return float((signals.rank == 0).mean()) if len(signals) else math.nan


def extraction_strength(signals: TokenSignals) -> float:
    """Share of the text that greedy decoding gives from the shortest beginning that gives all the rest.

    1 - k/n with k the fewest leading tokens after which every token is hit (after Carlini et al. 2021, arXiv
    2012.07805). 0 where the last token is missed, whatever n is; 1 where all n are hit.

    A text longer than the model's window is read in windows that each start anew, and nothing can be continued across
    their edges. Each window then counts on its own: the sum of the closing runs of hits over the sum of tokens, which
    is the mean of the windows' strengths weighted by their tokens. A text in one window has the plain definition.

    Returns:
        0 to 1; NaN without scored tokens.
    """
    if not len(signals):
        return math.nan
    return sum(_closing_run(window) for window in _windows(signals)) / len(signals)


def k_extractable(signals: TokenSignals) -> float:
    """Whether greedy decoding from the first 50 tokens gives the next 50 (Carlini et al. 2023, arXiv 2202.07646).

    Counted in scored tokens of the first window: where the tokenizer puts no special token in front, the very first
    token of the text is read and not scored, so the beginning is one token longer.

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


def _closing_run(hit: npt.NDArray[np.bool_]) -> int:
    """How many tokens at the end are hit without a miss between."""
    misses = np.flatnonzero(~hit)
    return len(hit) - 1 - int(misses[-1]) if misses.size else len(hit)


QUANTILE = 0.95


def memorised_line(heldout: Columns) -> Floats:
    """The exact memorisation that 95 % of the held-out documents do not exceed, at each checkpoint, [checkpoints]."""
    return np.asarray(np.quantile(heldout.values["exact-memorisation"], QUANTILE, axis=0), dtype=np.float64)


def memorised(sides: GroupedSeries) -> tuple[Bools, Floats]:
    """Which documents of the set are strictly above the line, and which share of the held-out ones is.

    A unit here is the document, not the group: the line and the counts are descriptive and carry no test.

    Returns:
        [documents, checkpoints] and [checkpoints]; the share is below 5 % where held-out documents tie at the line.
    """
    line = memorised_line(sides.heldout)
    above = sides.ours.values["exact-memorisation"] > line
    return above, (sides.heldout.values["exact-memorisation"] > line).mean(axis=0)


def events_until(above: Bools, share: float) -> Events:
    """Crossings up to the last column.

    Source: Toneva et al. 2019 (arXiv 1812.05159), forgetting events, counted between checkpoints. Documents near the
    line cross it by chance, so the counts of a placebo set are what these are to be read beside.

    Args:
        above: [documents, checkpoints] whether each is above the line, the origin first.
        share: Share of held-out documents above the line at the last of them.
    """
    lost, gained = above[:, :-1] & ~above[:, 1:], ~above[:, :-1] & above[:, 1:]
    return Events(
        memorised=int(above[:, -1].sum()),
        forgotten=int(lost.any(axis=1).sum()),
        learned=int(gained.any(axis=1).sum()),
        events=int(lost.sum()),
        expected=share * len(above),
    )


_NAMES: tuple[Literal["exact-memorisation", "extraction-strength", "k-extractable"], ...] = (
    "exact-memorisation",
    "extraction-strength",
    "k-extractable",
)


def memorisation(sides: GroupedSeries, resampler: Resampler) -> list[tuple[Memorisation, ...]]:
    """The three measures at each checkpoint, each a mean over groups, with intervals from the samples of the gap.

    Descriptive: no state rests on them alone. A share that no group shows has an interval without width.

    Args:
        sides: The set and held-out.
        resampler: Bootstrap samples of their groups.
    """
    return list(zip(*(_over_checkpoints(sides, resampler, name) for name in _NAMES), strict=True))


def _over_checkpoints(
    sides: GroupedSeries,
    resampler: Resampler,
    name: Literal["exact-memorisation", "extraction-strength", "k-extractable"],
) -> list[Memorisation]:
    values, suspect = sides.values[name], sides.design.suspect
    ours, theirs = (resampler.means(values, suspect=side) for side in (True, False))
    found = []
    for at in range(len(sides.checkpoints)):
        column = values[:, at]
        mine, other = (column[mask & ~np.isnan(column)] for mask in (suspect, ~suspect))
        value = estimate(float(mine.mean()), ours[:, at]) if mine.size else None
        heldout = estimate(float(other.mean()), theirs[:, at]) if other.size else None
        both = None
        if value is not None and heldout is not None:
            both = estimate(value.value - heldout.value, ours[:, at] - theirs[:, at])
        measured = int((~np.isnan(sides.ours.values[name][:, at])).sum())
        found.append(Memorisation(name=name, value=value, heldout=heldout, difference=both, documents=measured))
    return found
