"""Measures as matrices: documents of one role over the series, and groups of two sets lined up for tests."""

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
        ids: Documents with a scored token, in the order of the corpus.
        groups: Group of each.
        has_value: [documents of the corpus] whether each has a scored token.
        values: For each measure [documents, checkpoints], the origin first. The loss is in bits per byte and never
            missing; other measures are NaN where a document is too short.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    has_value: Bools
    values: Mapping[Measure, Floats]


def read_columns(measurements: SeriesMeasurements, role: Role) -> Columns:
    """The measures of every document of a role under every checkpoint.

    Args:
        measurements: The series.
        role: Role of the corpus.
    """
    corpus = measurements.sets[role]
    values = {measure: corpus.measures[measure] for measure in MEASURES if measure in corpus.measures}
    has_value = np.asarray(np.isfinite(values["loss"]).all(axis=1))
    rows = np.flatnonzero(has_value).tolist()
    return Columns(
        ids=tuple(corpus.ids[row] for row in rows),
        groups=tuple(corpus.groups[row] for row in rows),
        has_value=has_value,
        values={measure: column[has_value] for measure, column in values.items()},
    )


@dataclass(frozen=True, slots=True)
class GroupedSeries:
    """A set of documents and the held-out set over the series, averaged by group.

    Attributes:
        checkpoints: Names, the origin first.
        ours: The documents of the set.
        heldout: The held-out documents.
        design: Set and group of each row; rows do not depend on the order of documents.
        values: For each measure [rows, checkpoints], documents averaged within group and set; NaN where no document of
            the group has a value.
    """

    checkpoints: tuple[str, ...]
    ours: Columns
    heldout: Columns
    design: Design
    values: Mapping[Measure, Floats]

    @property
    def groups(self) -> int:
        """Number of groups of the set."""
        return int(self.design.suspect.sum())


def group_series(
    measurements: SeriesMeasurements, role: Literal["suspect", "placebo"], *, rng: np.random.Generator
) -> GroupedSeries:
    """Average a set and the held-out set by group under every checkpoint.

    Args:
        measurements: The series.
        role: Role of the set.
        rng: Required by the engine's design; no figure depends on it.

    Raises:
        UsageError: A set has fewer than two groups.
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
