"""Measures as matrices: documents of one role over the series, and groups of a set against held-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.features.table import group_rows
from auditor.inference.design import Bools, Design, Floats
from auditor.inference.mean_difference import arrange
from auditor.results.forgetting.measurements import MEASURES, Measure, Role, SeriesMeasurements
from auditor.results.rows import Column, FeatureTable


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
    values = {measure: some.measures[measure] for measure in MEASURES if measure in some.measures}
    present = np.asarray(np.isfinite(values["loss"]).all(axis=1))
    places = np.flatnonzero(present).tolist()
    return Columns(
        ids=tuple(some.ids[place] for place in places),
        groups=tuple(some.groups[place] for place in places),
        kept=present,
        values={measure: column[present] for measure, column in values.items()},
    )


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
    rows = group_rows(
        FeatureTable(columns=tuple(labels), values=np.vstack(stacked)), [*ours.groups, *heldout.groups], sides
    )
    design, arranged = arrange(rows.values, rows.suspect, rows.groups, rng=rng)
    parts = np.split(arranged, len(MEASURES), axis=1)
    return GroupedSeries(measurements.names, ours, heldout, design, dict(zip(MEASURES, parts, strict=True)))
