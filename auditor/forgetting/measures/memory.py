"""Verbatim memory of a set beside held-out, at every checkpoint."""

from __future__ import annotations

from typing import Literal

import numpy as np

from auditor.forgetting.measures.bootstrap import Resampler, estimate
from auditor.forgetting.measures.grouped import GroupedSeries
from auditor.results.forgetting.contrast import Memorisation

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
