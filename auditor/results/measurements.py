"""Measurements: what every figure of an audit is made from, document by document, without a text or a token."""

from __future__ import annotations

from typing import Annotated

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Record
from auditor.results.encoding import EncodingCounts
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.overlap import SharedDocument
from auditor.results.rows import FeatureTable, Numerics, Rows


class Measurements(Record):
    """What the figures of an audit are made from; documents are those of the result, in their order."""

    features: FeatureTable
    """Every requested feature, under the audited model."""

    reasons: dict[str, dict[str, Count]]
    """For each of its columns, why values are missing and how many for that reason."""

    text: FeatureTable
    """What text alone tells, one row a group: suspect groups first, each side in order of first appearance."""

    controls: dict[str, FeatureTable]
    """The features of a single pass under each model that cannot have seen the data, by its label."""

    procedures: dict[str, FeatureTable]
    """What each published procedure reads, by its name."""

    numerics: dict[str, Numerics]
    """What the probes of each scored model showed, by its label."""

    overlap: tuple[SharedDocument, ...]
    """The documents that several sets share, by cluster. Few are left out of the audit, many make it refuse."""

    characters: tuple[Count, ...]
    """Of each document."""

    truncated: tuple[Count, Count]
    """Documents cut by the token limit, suspect and held-out."""

    encoding: Annotated[
        EncodingCounts,
        Unverifiable(
            "in how many groups --normalise would change characters (--data for both sides shows it)",
            frozenset({"data suspect", "data heldout"}),
            ("**",),
        ),
    ]
    """What of the encoding of the texts is not in one form; what text alone shows is explained by it."""

    series: Annotated[
        SeriesMeasurements | None,
        Unverifiable(
            "a single measurement of the series, changed by too little to change a figure (together: see above)",
            frozenset({"again"}),
            ("**",),
        ),
    ] = None
    """What the figures of the series are made from; None without one."""

    def text_rows(self, like: Rows) -> Rows:
        """Text alone, for the groups and sides of other rows."""
        return Rows(self.text.values, like.suspect, like.groups, self.text.columns)
