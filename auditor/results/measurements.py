"""Measurements: what every figure of an audit is made from, document by document, without a text or a token."""

from __future__ import annotations

from typing import Literal, Self

from auditor.core.record import Count, Record, Share
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.rows import FeatureTable, OverlapPair, Rows
from auditor.results.tables import StoredNumerics, Table


class StoredPair(Record):
    """One document of each side that share their text; see `auditor.corpora.overlap.OverlapPair`."""

    suspect: str
    heldout: str
    kind: Literal["exact", "near", "contained"]
    similarity: Share

    @classmethod
    def of(cls, pair: OverlapPair) -> Self:
        """Keep a pair."""
        return cls(suspect=pair.suspect, heldout=pair.heldout, kind=pair.kind, similarity=pair.similarity)

    def pair(self) -> OverlapPair:
        """The pair again."""
        return OverlapPair(self.suspect, self.heldout, self.kind, self.similarity)


class Measurements(Record):
    """What the figures of an audit are made from; documents are those of the result, in their order."""

    features: Table
    """Every feature asked for, under the audited model."""

    reasons: dict[str, dict[str, Count]]
    """For each of its columns, why values are missing and how many for that reason."""

    text: Table
    """What text alone tells, one row a group: suspect groups first, each side in order of first appearance."""

    controls: dict[str, Table]
    """The features of a single pass under each model that cannot have seen the data, by its label."""

    procedures: dict[str, Table]
    """What each published procedure reads, by its name."""

    numerics: dict[str, StoredNumerics]
    """What the probes of each scored model showed, by its label."""

    overlap: tuple[StoredPair, ...]
    """The documents that stand on both sides."""

    characters: tuple[Count, ...]
    """Of each document."""

    truncated: tuple[Count, Count]
    """Documents cut by the token limit, suspect and held-out."""

    series: SeriesMeasurements | None = None
    """What the figures of the series are made from; None without one."""

    def feature_table(self) -> FeatureTable:
        """The features with the reasons for what is missing."""
        table = self.features.features()
        return FeatureTable(table.values, table.columns, self.reasons)

    def text_rows(self, like: Rows) -> Rows:
        """Text alone, for the groups and sides of other rows."""
        table = self.text.features()
        return Rows(table.values, like.suspect, like.groups, table.columns)
