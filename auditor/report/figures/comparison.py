"""The membership AUC compared with that of text alone and of unexposed models."""

from __future__ import annotations

from auditor.core.text import visible
from auditor.report.figures._canvas import CONTROL, GUARD, SUSPECT
from auditor.report.figures._forest import ForestRow, draw_forest
from auditor.report.figures.figure import Figure
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_auc, format_p
from auditor.results.result import AuditResult

_TITLE = "Membership compared with its controls"
_LIMIT = 20


def _rows(result: AuditResult) -> list[ForestRow]:
    main = result.membership
    rows = [ForestRow("membership", main.auc, main.auc_interval.low, main.auc_interval.high, SUSPECT, "o")]
    rows += [
        ForestRow(f"guard: {guard.name}", guard.auc, guard.auc_low, guard.auc_high, GUARD, "s", filled=False)
        for guard in result.guards
        if guard.auc is not None
    ]
    rows += [
        ForestRow(
            f"control: {name}",
            control.auc,
            control.auc_interval.low,
            control.auc_interval.high,
            CONTROL,
            "^",
            filled=False,
        )
        for name, control in result.controls.items()
    ]
    return rows


def _describe(result: AuditResult) -> str:
    rows = _rows(result)
    others = "; ".join(f"{visible(row.label)} {format_auc(row.auc)}" for row in rows[1 : _LIMIT + 1])
    return f"AUC of membership {format_auc(result.membership.auc)}" + (
        f", compared with {others}." if others else ", with nothing to compare it with."
    )


def _draw(result: AuditResult) -> str | None:
    rows = _rows(result)
    if len(rows) < 2:
        return None
    return draw_forest("comparison", _TITLE, _describe(result), rows[: _LIMIT + 1], "AUC (0.5 is chance)", groups=(1,))


def _table(result: AuditResult) -> ReportTable:
    p_values = [result.membership.p_value]
    p_values += [guard.p_value for guard in result.guards if guard.auc is not None]  # type: ignore[misc]
    p_values += [control.p_value for control in result.controls.values()]
    return ReportTable(
        ("What was compared", "AUC", "Interval", "p-value"),
        tuple(
            (
                visible(row.label),
                format_auc(row.auc),
                "not stated"
                if row.low is None or row.high is None
                else f"{format_auc(row.low)} to {format_auc(row.high)}",
                "not stated" if p is None else format_p(p),
            )
            for row, p in zip(_rows(result), p_values, strict=True)
        ),
    )


COMPARISON = Figure(
    name="comparison",
    order=20,
    title=_TITLE,
    caption=(
        "The same question, do the two sides differ, asked of the model (circle), of guards (squares: the blind guard "
        "sees the text and never the model) and of models that cannot have seen the data (triangles). Bars are "
        "intervals; the dashed line is chance. Evidence of training stands clear to the right of all others."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
)
