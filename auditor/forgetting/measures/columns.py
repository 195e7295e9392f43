"""Columns: one number a document and checkpoint, the documents of one role lined up over the series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from auditor.inference.design import Bools, Floats
from auditor.results.forgetting.measurements import MEASURES, Measure, Role, SeriesMeasurements
from auditor.results.tables import from_cells


@dataclass(frozen=True, slots=True)
class Columns:
    """The measures of the documents of one role.

    Attributes:
        ids: Those with a scored token, in the order of the corpus.
        groups: Group of each.
        kept: [documents of the corpus] which have one.
        values: For each measure [documents, checkpoints], the origin first. The loss is in bits per byte and never
            missing; NaN elsewhere where a document is too short.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    kept: Bools
    values: Mapping[Measure, Floats]


def read_columns(kept: SeriesMeasurements, role: Role) -> Columns:
    """The measures of every document of a role under every checkpoint.

    Args:
        kept: The series.
        role: Which corpus.
    """
    some = kept.sets[role]
    values = {measure: from_cells(some.measures[measure]) for measure in MEASURES if measure in some.measures}
    present = np.asarray(np.isfinite(values["loss"]).all(axis=1))
    places = np.flatnonzero(present).tolist()
    return Columns(
        ids=tuple(some.ids[place] for place in places),
        groups=tuple(some.groups[place] for place in places),
        kept=present,
        values={measure: column[present] for measure, column in values.items()},
    )
