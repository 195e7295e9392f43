"""What short training or rounding of a checkpoint brings back, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.core.text import shorten, visible
from auditor.report.figures._canvas import CONTROL, INK, MUTED, PAPER, SUSPECT, draw_svg, panel
from auditor.report.figures._checkpoints import grid
from auditor.report.figures.figure import Figure
from auditor.report.series import label, series_of
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_estimate, format_fixed, format_p
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.interventions import INTERVENTIONS
from auditor.results.forgetting.relearning import Probe
from auditor.results.result import AuditResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_TITLE = "What an intervention brings back"
_LIMIT = 9
_ACROSS = 3
_POINTS = 20


def _probes(result: AuditResult) -> list[tuple[str, Probe]]:
    series = series_of(result)
    return [
        (checkpoint.name, probe)
        for checkpoint in (series.checkpoints if series else ())
        if checkpoint.relearning is not None
        for probe in checkpoint.relearning.probes
        if probe.points
    ]


def _describe(result: AuditResult) -> str:
    level = 0.0 if result.forgetting is None else result.forgetting.thresholds.relearn_alpha
    lines = [
        f"{label(name)}, {probe.name}: gap from {format_fixed(probe.points[0].gap.value, 0)} to "
        f"{format_fixed(probe.points[-1].gap.value, 0)} bits per byte, adjusted p-value "
        f"{format_p(probe.p_adjusted, level)}, {'brought back' if probe.recovered else 'not brought back'}"
        for name, probe in _probes(result)[:_LIMIT]
    ]
    return "; ".join(lines) or "No intervention was run."


def _draw(result: AuditResult) -> str | None:
    probes = _probes(result)[:_LIMIT]
    if not probes:
        return None
    down = -(-len(probes) // _ACROSS)

    def paint(canvas: Canvas) -> None:
        panels = []
        for index, (name, probe) in enumerate(probes):
            column, row = index % _ACROSS, index // _ACROSS
            axes = panel(canvas, 64 + 194 * column, 44 + 196 * row, 172, 112)
            _paint(axes, name, probe)
            axes.set_ylabel("Gap (bits per byte)" if column == 0 else "")
            axes.tick_params(labelleft=column == 0)
            panels.append(axes)
        bounds = [bound for axes in panels for bound in axes.get_ylim()]
        for axes in panels:
            axes.set_ylim(min(bounds), max(bounds))

    return draw_svg("relearning", _TITLE, _describe(result), 44 + 196 * down, paint)


def _paint(axes: Axes, name: str, probe: Probe) -> None:
    points = probe.points if len(probe.points) <= _POINTS else (*probe.points[: _POINTS - 1], probe.points[-1])
    steps: list[float] = [point.steps for point in points]
    if not INTERVENTIONS[probe.name].trains:
        steps = list(range(len(points)))
        axes.set_xticks(steps, ["before", *["rounded"] * (len(points) - 1)])
        axes.set_xlim(-0.4, len(points) - 0.6)
    else:
        axes.set_xlabel("Training steps")
        axes.locator_params(axis="x", integer=True, nbins=4)
    axes.axhline(0, color=MUTED, linewidth=1.0)
    known = [(step, point.placebo_gap) for step, point in zip(steps, points, strict=True) if point.placebo_gap]
    _curve(axes, known, CONTROL, "^", (5, 2), hollow=True)
    _curve(axes, [(step, point.gap) for step, point in zip(steps, points, strict=True)], SUSPECT, "o", (), hollow=False)
    axes.text(0, 1.19, shorten(visible(name), 23), transform=axes.transAxes, color=INK)
    axes.text(0, 1.05, probe.name, transform=axes.transAxes, color=INK, weight="bold")
    grid(axes)


def _curve(
    axes: Axes,
    values: list[tuple[float, Estimate]],
    colour: str,
    marker: str,
    dashes: tuple[float, ...],
    *,
    hollow: bool,
) -> None:
    steps = [step for step, _ in values]
    lows, highs = [value.low for _, value in values], [value.high for _, value in values]
    axes.fill_between(steps, lows, highs, color=colour, alpha=0.15, linewidth=0)
    axes.plot(
        steps,
        [value.value for _, value in values],
        color=colour,
        marker=marker,
        markersize=5.5,
        markerfacecolor=PAPER if hollow else colour,
        linewidth=1.6,
        linestyle=(0, dashes) if dashes else "-",
    )


def _table(result: AuditResult) -> ReportTable:
    rows = [
        (
            label(name),
            probe.name,
            f"{point.steps:,}",
            format_estimate(point.suspect),
            format_estimate(point.heldout),
            format_estimate(point.gap, 0),
            format_estimate(point.auc, 0.5),
            "not measured" if point.placebo_gap is None else format_estimate(point.placebo_gap, 0),
        )
        for name, probe in _probes(result)
        for point in probe.points
    ]
    headers = ("Checkpoint", "Intervention", "Steps", "Suspect", "Held-out", "Gap", "AUC", "Placebo gap")
    return ReportTable(headers, tuple(rows), names=2)


RELEARNING = Figure(
    name="relearning",
    order=3,
    title=_TITLE,
    caption=(
        "The gap after each number of steps of the intervention, in bits per byte, with its interval (filled "
        "circles), and that of the placebo set where it was given (hollow triangles). An intervention counts only "
        "where the suspect set rises and unseen text put in its place does not. For relearn-half the gap is the "
        "difference between two trainings: held-out documents after training on the other held-out half, less suspect "
        "documents after training on the other suspect half."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
    part="series",
    in_summary=True,
)
