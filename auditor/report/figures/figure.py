"""Figure: one picture of a result with its words and its numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from auditor.core.registry import discover
from auditor.report.tables.table import ReportTable
from auditor.results.result import AuditResult


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the report.

    Attributes:
        name: Short, unique, in kebab case; prefixes every id inside the SVG.
        order: Where it stands.
        title: Heading.
        caption: How to read it, with its units.
        describe: What is to be seen, in words, from the result: the text alternative.
        draw: SVG of bounded size, or None where the result has nothing to draw.
        table: The numbers behind it.
        part: The part of the report it stands in: the audit of one model, or the series of checkpoints.
        in_summary: Whether the Markdown summary has its numbers, which no table has.
    """

    name: str
    order: int
    title: str
    caption: str
    describe: Callable[[AuditResult], str] = field(repr=False)
    draw: Callable[[AuditResult], str | None] = field(repr=False)
    table: Callable[[AuditResult], ReportTable] = field(repr=False)
    part: Literal["audit", "series"] = "audit"
    in_summary: bool = False


def figures() -> tuple[Figure, ...]:
    """Every figure, in the order of the report."""
    import auditor.report.figures

    return tuple(sorted(discover(auditor.report.figures, Figure), key=lambda figure: (figure.order, figure.name)))
