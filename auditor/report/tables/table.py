"""ReportTable: headers and rows of text. SeriesTable: one table of a series, found by discovery in this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from auditor.core.registry import discover
from auditor.report.text import format_estimate
from auditor.results.forgetting.estimate import Estimate
from auditor.results.result import AuditResult


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Figures written out.

    Attributes:
        headers: One a column.
        rows: Cells as text.
        names: How many leading cells of a row are names, set as they are; the others are figures.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """A table of a series of checkpoints.

    Attributes:
        name: Unique, in snake case.
        order: Where it stands among the tables.
        title: Heading, with the unit of the figures.
        build: The table of a result; one without rows is not shown.
        how_to_read: What its figures mean. A table with such a paragraph needs no template: the page sets it under its
            title, in its order. One without is set by the template of its section.
        in_summary: Whether the Markdown summary has it too.
    """

    name: str
    order: int
    title: str
    build: Callable[[AuditResult], ReportTable] = field(repr=False)
    how_to_read: str = ""
    in_summary: bool = True


def series_table(
    *, name: str, order: int, title: str, how_to_read: str = "", in_summary: bool = True
) -> Callable[[Callable[[AuditResult], ReportTable]], SeriesTable]:
    """Make a function from a result to a table a `SeriesTable`."""
    return lambda build: SeriesTable(name, order, title, build, how_to_read, in_summary)


def series_tables() -> tuple[SeriesTable, ...]:
    """Every table of a series, in the order of the report."""
    import auditor.report.tables

    return tuple(sorted(discover(auditor.report.tables, SeriesTable), key=lambda table: (table.order, table.name)))


def or_else(value: Estimate | None, otherwise: str, *limits: float) -> str:
    """An estimate with its interval, or why there is none."""
    return otherwise if value is None else format_estimate(value, *limits)
