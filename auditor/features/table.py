"""The table of features: one row a document, and its means by group for the statistical engine."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auditor.core.errors import RunError, UsageError
from auditor.features.feature import Feature, Missing
from auditor.results.rows import Column, FeatureTable, Rows
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import TARGET

TARGET_LABEL = "target"
Key = tuple[str, str]
Reasons = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Entry:
    column: Column
    keys: tuple[Key, ...]
    feature: Feature


def _plan(features: Sequence[Feature], references: Sequence[str]) -> list[_Entry]:
    """One entry a column: a feature of the target alone once, a feature of a reference once for each reference."""
    if len({TARGET_LABEL, *references}) <= len(references):
        labels = ", ".join([TARGET_LABEL, *references])
        raise UsageError(f"two models share a label: {labels}", hint="Give every reference a label of its own.")
    entries = []
    for feature in features:
        refers = any(view.model == "reference" for view in feature.views)
        for label in references if refers else (TARGET_LABEL,):
            name = f"{feature.name}@{label}" if refers and len(references) > 1 else feature.name
            keys = tuple((TARGET_LABEL if view.model == "target" else label, view.transform) for view in feature.views)
            entries.append(_Entry(Column(name, feature.family, feature.direction), keys, feature))
    return entries


def table_columns(features: Sequence[Feature], references: Sequence[str]) -> tuple[Column, ...]:
    """The columns that `compute_table` gives; arguments and errors as of `requested_views`."""
    return tuple(entry.column for entry in _plan(features, references))


def columns_comparing(features: Sequence[Feature], references: Sequence[str], label: str) -> frozenset[str]:
    """Names of the columns that compare the target with one reference; arguments and errors as of `requested_views`."""
    entries = _plan(features, references)
    return frozenset(entry.column.name for entry in entries if any(model == label for model, _ in entry.keys))


def requested_views(features: Sequence[Feature], references: Sequence[str]) -> tuple[Key, ...]:
    """The (model label, transform) pairs to score for these features, each once, in order of first need.

    Args:
        features: The features; those that need a reference request nothing where there is none.
        references: Labels of the reference models.

    Raises:
        UsageError: Two models share a label.
    """
    return tuple(dict.fromkeys(key for entry in _plan(features, references) for key in entry.keys))


def compute_table(
    features: Sequence[Feature],
    records: Sequence[Mapping[Key, TokenSignals]],
    *,
    references: Sequence[str],
) -> tuple[FeatureTable, Reasons]:
    """Compute every feature of every document.

    Args:
        features: The features. Those that need a reference have no column where there is none, and a column for each
            where there are several.
        records: For each document, its record by (model label, transform); the audited model's label is `target`.
        references: Labels of the reference models, in order.

    Returns:
        A table with a row for each document; and for each column's name, why values are missing and how many for that
        reason.

    Raises:
        RunError: A document lacks a record that `requested_views` names.
        UsageError: Two models share a label.
    """
    entries = _plan(features, references)
    values = np.full((len(records), len(entries)), np.nan)
    reasons: dict[str, Counter[str]] = {entry.column.name: Counter() for entry in entries}
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        for row, record in enumerate(records):
            for position, entry in enumerate(entries):
                absent = [key for key in entry.keys if key not in record]
                if absent:
                    raise RunError(
                        f"document {row + 1} has no record of {absent[0][1]!r} under {absent[0][0]!r}, "
                        f"which feature {entry.feature.name!r} needs",
                        hint="Score the document again, or leave the feature out.",
                    )
                value = entry.feature.compute(*(record[key] for key in entry.keys))
                if math.isfinite(value):
                    values[row, position] = value
                else:
                    why = value.reason if isinstance(value, Missing) else "not a finite number"
                    reasons[entry.column.name][why] += 1
    columns = tuple(entry.column for entry in entries)
    return FeatureTable(columns=columns, values=values), {name: dict(counts) for name, counts in reasons.items()}


def group_rows(table: FeatureTable, groups: Sequence[str], suspect: Sequence[bool]) -> Rows:
    """Average documents within groups, the unit of every test.

    Rows are pairs of side and group: suspect rows first, then held-out, each in order of first appearance. A value is
    the unweighted mean over the group's documents that have one, NaN if none has. A group on both sides is two rows.

    Args:
        table: Features by document.
        groups: Group of each document.
        suspect: Whether each document is on the suspect side.

    Raises:
        ValueError: The three differ in length.
    """
    if not len(groups) == len(suspect) == table.values.shape[0]:
        raise ValueError(f"{table.values.shape[0]} documents, {len(groups)} groups, {len(suspect)} sides")
    pairs = list(zip((bool(side) for side in suspect), groups, strict=True))
    keys = sorted(dict.fromkeys(pairs), key=lambda pair: not pair[0])
    number = {key: index for index, key in enumerate(keys)}
    rows = np.array([number[pair] for pair in pairs], dtype=np.intp)
    means = unit_means(table.values, rows, len(keys))
    sides = np.array([side for side, _ in keys], dtype=np.bool_)
    return Rows(means, sides, tuple(name for _, name in keys), table.columns)


def plain_table(features: Sequence[Feature], records: Sequence[TokenSignals]) -> FeatureTable:
    """The features of a single pass, of unchanged documents under one model.

    Args:
        features: Features of several passes or of a reference are left out.
        records: One per document.
    """
    views = [{(TARGET_LABEL, TARGET.transform): record} for record in records]
    return compute_table(single_pass_only(features), views, references=())[0]


def single_pass_only(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """The features that need only the unchanged text under the audited model."""
    return tuple(feature for feature in features if feature.views == (TARGET,))


def drop_sparse(rows: Rows, most_missing: float) -> Rows:
    """Leave out the columns that more than this share of all groups have no value in.

    Texts without capital letters, for instance, have no lower-case gap. The choice looks at both sides together and
    never at the labels, so a permutation test on what is left stays exact.

    Args:
        rows: [groups, columns] values.
        most_missing: Largest share of missing values of a column that stays.

    Raises:
        UsageError: No column is left.
    """
    missing = np.isnan(rows.values).mean(axis=0)
    remaining = np.flatnonzero(missing <= most_missing)
    if not remaining.size:
        raise UsageError(
            f"every feature is missing for more than {most_missing:.0%} of the groups",
            hint="The texts may be too short, or the chosen features do not apply; see `auditor list features`.",
        )
    return Rows(rows.values[:, remaining], rows.suspect, rows.groups, tuple(rows.columns[index] for index in remaining))


def unit_means(values: npt.NDArray[np.float64], unit: npt.NDArray[np.intp], units: int) -> npt.NDArray[np.float64]:
    """Unweighted means over the documents of each unit that have a value.

    Args:
        values: [documents, columns]; NaN where a value is missing.
        unit: [documents] index of the unit of each, 0 to units - 1.
        units: Number of units.

    Returns:
        [units, columns]; NaN where no document of the unit has a value.
    """
    present = ~np.isnan(values)
    sums = np.zeros((units, values.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, unit, np.where(present, values, 0.0))
    np.add.at(counts, unit, present)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
