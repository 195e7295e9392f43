"""Events: which documents crossed the memorised line, and when."""

from __future__ import annotations

import numpy as np

from auditor.forgetting.measures.columns import Columns
from auditor.forgetting.measures.grouped import GroupedSeries
from auditor.inference.design import Bools, Floats
from auditor.results.forgetting.contrast import Events

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
