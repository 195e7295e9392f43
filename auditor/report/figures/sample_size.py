"""AUC and p-value as groups are added: whether the finding rests on a lucky few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.report.figures._canvas import HELDOUT, INK, LINE, MUTED, SUSPECT, draw_svg, panel
from auditor.report.figures.figure import Figure
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_auc, format_interval, format_number, format_p
from auditor.results.result import AuditResult
from auditor.results.separability import CurvePoint

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_TITLE = "AUC and p-value as groups are added"
_LIMIT = 40


def _points(result: AuditResult) -> list[CurvePoint]:
    points = sorted(result.curve, key=lambda point: point.groups)
    if len(points) <= _LIMIT:
        return points
    return [points[round(step * (len(points) - 1) / (_LIMIT - 1))] for step in range(_LIMIT)]


def _describe(result: AuditResult) -> str:
    points = _points(result)
    if not points:
        return "No smaller samples were tested."
    first, last = points[0], points[-1]
    return (
        f"From {first.groups:,} to {last.groups:,} groups a side the AUC goes from {format_auc(first.auc)} to "
        f"{format_auc(last.auc)} and the p-value from {format_p(first.p_value)} to {format_p(last.p_value)}; "
        f"the level is {format_number(result.thresholds.alpha)}."
    )


def _draw(result: AuditResult) -> str | None:
    points = _points(result)
    if len(points) < 2:
        return None
    groups = [point.groups for point in points]
    alpha = result.thresholds.alpha

    def paint(canvas: Canvas) -> None:
        upper = panel(canvas, 64, 12, 500, 150)
        lows, highs = [p.auc_interval.low for p in points], [p.auc_interval.high for p in points]
        upper.fill_between(groups, lows, highs, color=SUSPECT, alpha=0.18, linewidth=0)
        upper.plot(groups, [point.auc for point in points], color=SUSPECT, marker="o", markersize=6, linewidth=1.8)
        upper.axhline(0.5, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        upper.text(1.012, 0.5, "chance", transform=upper.get_yaxis_transform(), va="center_baseline", color=MUTED)
        upper.set_ylim(max(0.0, min(0.4, *lows) - 0.02), min(1.0, max(0.6, *highs)) + 0.02)
        upper.set_ylabel("AUC")
        upper.tick_params(labelbottom=False)

        lower = panel(canvas, 64, 184, 500, 130)
        lower.plot(
            groups,
            [p.p_value for p in points],
            color=HELDOUT,
            marker="s",
            markersize=6,
            linewidth=1.8,
            linestyle=(0, (5, 2)),
        )
        lower.axhline(alpha, color=INK, linewidth=1.2, linestyle=(0, (1, 2)))
        label = f"level {format_number(alpha)}"
        lower.text(1.012, alpha, label, transform=lower.get_yaxis_transform(), va="center_baseline", color=INK)
        lower.set_yscale("log")
        lower.set_ylim(0.5 * min(alpha, *(p.p_value for p in points)), 1.6)
        lower.yaxis.set_major_formatter(lambda value, _: format_number(value))
        lower.minorticks_off()
        lower.set_ylabel("p-value")
        lower.set_xlabel("Groups a side")
        for axes in (upper, lower):
            axes.grid(visible=True, axis="y", color=LINE)
            axes.set_xlim(
                groups[0] - 0.04 * (groups[-1] - groups[0] + 1), groups[-1] + 0.04 * (groups[-1] - groups[0] + 1)
            )

    return draw_svg("sample-size", _TITLE, _describe(result), 366, paint)


def _table(result: AuditResult) -> ReportTable:
    return ReportTable(
        ("Groups a side", "AUC", "Interval", "p-value"),
        tuple(
            (
                format_number(p.groups),
                format_auc(p.auc),
                format_interval(p.auc_interval),
                format_p(p.p_value, result.thresholds.alpha),
            )
            for p in _points(result)
        ),
    )


SAMPLE_SIZE = Figure(
    name="sample-size",
    order=30,
    title=_TITLE,
    caption=(
        "The same test on the first groups of a random order fixed by the seed. The band is the interval of the AUC; "
        "the p-value is on a logarithmic scale. An effect that is real keeps its AUC while its p-value falls. The "
        "last point is the test of all groups, on which alone the verdict rests: picking another would be choosing the "
        "answer."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
)
