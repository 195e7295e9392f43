"""GroupedSeries: one set of documents and the held-out set, averaged by group and lined up for tests and bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.features.table import group_rows
from auditor.forgetting.measures.columns import Columns, read_columns
from auditor.inference.design import Design, Floats
from auditor.inference.mean_difference import arrange
from auditor.results.forgetting.measurements import MEASURES, Measure, SeriesMeasurements
from auditor.results.rows import Column, FeatureTable


@dataclass(frozen=True, slots=True)
class GroupedSeries:
    """A set against held-out over the whole series.

    Attributes:
        checkpoints: Names, the origin first.
        ours: The documents of the set.
        heldout: The held-out documents.
        design: Which rows are whose and which belong to one group; rows do not depend on the order of documents.
        values: For each measure [rows, checkpoints], documents averaged within group and side; NaN where none of the
            group's documents has one.
    """

    checkpoints: tuple[str, ...]
    ours: Columns
    heldout: Columns
    design: Design
    values: Mapping[Measure, Floats]

    @property
    def groups(self) -> int:
        """Groups of the set."""
        return int(self.design.suspect.sum())


def group_series(
    measurements: SeriesMeasurements, role: Literal["suspect", "placebo"], *, rng: np.random.Generator
) -> GroupedSeries:
    """Measure a set and the held-out set under every checkpoint.

    Args:
        measurements: The series.
        role: The set.
        rng: Draws nothing that a figure depends on; the engine's design asks for it.

    Raises:
        UsageError: A side has fewer than two groups.
    """
    ours, heldout = read_columns(measurements, role), read_columns(measurements, "heldout")
    stacked = [np.hstack([columns.values[measure] for measure in MEASURES]) for columns in (ours, heldout)]
    labels = [Column(f"{measure} {name}", measure, 0) for measure in MEASURES for name in measurements.names]
    sides = [True] * len(ours.ids) + [False] * len(heldout.ids)
    rows = group_rows(FeatureTable(np.vstack(stacked), tuple(labels), {}), [*ours.groups, *heldout.groups], sides)
    design, arranged = arrange(rows.values, rows.suspect, rows.groups, rng=rng)
    parts = np.split(arranged, len(MEASURES), axis=1)
    return GroupedSeries(measurements.names, ours, heldout, design, dict(zip(MEASURES, parts, strict=True)))
