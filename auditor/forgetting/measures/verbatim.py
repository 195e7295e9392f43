"""Verbatim memory of one document, teacher-forced: nothing is generated.

A token is hit where no vocabulary entry is more probable (`rank` 0). Greedy decoding reproduces a stretch exactly where
all its tokens are hit, so hits answer what generation would, up to ties of the most probable entries.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

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
