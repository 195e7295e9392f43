"""The documents that moved farthest."""

from __future__ import annotations

from auditor.core.text import shorten, visible
from auditor.report.series import label, series_of
from auditor.report.tables.table import ReportTable, series_table
from auditor.report.text import format_fixed
from auditor.results.result import AuditResult

_MOVERS = 20
MEMORISED = "●"
"""Mark of a document above the memorised line."""


@series_table(
    name="largest_changes",
    order=200,
    title="Documents that moved farthest, bits per byte since the origin less the held-out mean",
    in_summary=False,
)
def largest_changes(result: AuditResult) -> ReportTable:
    """Their movement at each checkpoint."""
    series = series_of(result)
    if series is None:
        return ReportTable(("Document", "Group"), (), names=2)
    rows = [
        (
            shorten(visible(change.id), 80),
            shorten(visible(change.group), 80),
            *(
                format_fixed(move, 0) + (f" {MEMORISED}" if above else "")
                for move, above in zip(change.moves, change.memorised, strict=True)
            ),
        )
        for change in series.largest_changes[:_MOVERS]
        if len(change.moves) == len(change.memorised) == len(series.checkpoints)
    ]
    return ReportTable(("Document", "Group", *(label(c.name) for c in series.checkpoints)), tuple(rows), names=2)
