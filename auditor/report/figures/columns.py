"""Each feature on its own."""

from __future__ import annotations

from auditor.core.text import amount, visible
from auditor.report.figures._canvas import MUTED, SUSPECT
from auditor.report.figures._forest import ForestRow, draw_forest
from auditor.report.figures.figure import Figure
from auditor.report.selection import strongest_columns
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_auc, format_interval, format_number, format_p
from auditor.results.result import AuditResult
from auditor.results.separability import ColumnEffect

_TITLE = "Each feature on its own"
_LIMIT = 24


def _row(column: ColumnEffect, alpha: float) -> ForestRow:
    clear = column.p_adjusted <= alpha
    ends = column.auc_interval
    return ForestRow(
        column.name, column.auc, ends.low, ends.high, SUSPECT if clear else MUTED, "D" if clear else "o", clear
    )


def _describe(result: AuditResult) -> str:
    columns = strongest_columns(result)
    clear = sum(column.p_adjusted <= result.membership.alpha for column in columns)
    if not columns:
        return "No feature was computed."
    shown = amount(min(len(columns), _LIMIT), "strongest feature")
    return (
        f"AUC of the {shown} of {len(columns)}, from {visible(columns[0].name)} at {format_auc(columns[0].auc)} down. "
        f"{clear} of {len(columns)} have an adjusted p-value of at most {format_number(result.membership.alpha)}."
    )


def _draw(result: AuditResult) -> str | None:
    rows = [_row(column, result.membership.alpha) for column in strongest_columns(result)[:_LIMIT]]
    if not rows:
        return None
    return draw_forest("columns", _TITLE, _describe(result), rows, "AUC of the oriented feature (0.5 is chance)")


def _table(result: AuditResult) -> ReportTable:
    return ReportTable(
        ("Feature", "AUC", "Interval", "Adjusted p-value"),
        tuple(
            (
                visible(c.name),
                format_auc(c.auc),
                format_interval(c.auc_interval),
                format_p(c.p_adjusted, result.membership.alpha),
            )
            for c in strongest_columns(result)[:_LIMIT]
        ),
    )


COLUMNS = Figure(
    name="columns",
    order=40,
    title=_TITLE,
    caption=(
        f"At most the {_LIMIT} strongest features; the table of features has them all. Filled diamonds stay clear of "
        "chance after correction for looking at every feature; hollow circles do not. Right of the dashed line the "
        "feature points the way training points."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
)
