"""Accuracy on each labelled task at each checkpoint, by the model's own answers and by a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.core.text import shorten, visible
from auditor.report.figures._canvas import HELDOUT, INK, draw_svg, panel
from auditor.report.figures.figure import Figure
from auditor.report.series import label, series_of, spread
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_estimate
from auditor.results.forgetting.tasks import TaskFindings, TaskPoint
from auditor.results.result import AuditResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_TITLE = "Accuracy on the labelled tasks"
_MODELS = 10
_TASKS = 6
_ROW = 28.0
_WIDTH = 216.0


def _tasks(result: AuditResult) -> TaskFindings | None:
    series = series_of(result)
    return series.tasks if series is not None and series.tasks is not None and series.tasks.points else None


def _places(tasks: TaskFindings) -> tuple[list[str], list[str]]:
    """The models and the tasks that are drawn."""
    models = list(dict.fromkeys(point.model for point in tasks.points))
    return (
        [models[position] for position in spread(len(models), _MODELS)],
        [tasks.tasks[position] for position in spread(len(tasks.tasks), _TASKS)],
    )


def _describe(result: AuditResult) -> str:
    tasks = _tasks(result)
    if tasks is None:
        return "No labelled task was measured."
    models, columns = _places(tasks)
    return "; ".join(
        f"{label(point.model)} on {label(point.task)}: {point.observed.value:.2f} by its own answers, "
        f"{point.probe.value:.2f} by the probe"
        for point in tasks.points
        if point.model in models and point.task in columns
    )


def _draw(result: AuditResult) -> str | None:
    tasks = _tasks(result)
    if tasks is None:
        return None
    models, columns = _places(tasks)
    points = {(point.model, point.task): point for point in tasks.points}

    def paint(canvas: Canvas) -> None:
        for position, (kind, title) in enumerate((("observed", "Its own answers"), ("probe", "Linear probe"))):
            axes = panel(canvas, 150 + (_WIDTH + 26) * position, 30, _WIDTH, _ROW * len(models))
            _cells(axes, models, columns, points, kind)
            axes.text(0, 1 + 10 / (_ROW * len(models)), title, transform=axes.transAxes, color=INK, weight="bold")
            axes.set_yticks(
                range(len(models)), [shorten(visible(model), 18) for model in models] if position == 0 else []
            )

    return draw_svg("matrix", _TITLE, _describe(result), 62 + _ROW * len(models), paint)


def _cells(
    axes: Axes, models: list[str], columns: list[str], points: dict[tuple[str, str], TaskPoint], kind: str
) -> None:
    from matplotlib.patches import Rectangle

    for row, model in enumerate(models):
        for column, task in enumerate(columns):
            point = points.get((model, task))
            if point is None:
                continue
            value = (point.observed if kind == "observed" else point.probe).value
            shade = 0.55 * min(max(value, 0.0), 1.0)
            axes.add_patch(Rectangle((column - 0.49, row - 0.47), 0.98, 0.94, color=HELDOUT, alpha=shade, linewidth=0))
            axes.text(column, row, f"{value:.2f}", ha="center", va="center_baseline")
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(models) - 0.5, -0.5)
    room = int(_WIDTH / len(columns) / 7.5)
    axes.set_xticks(range(len(columns)), [shorten(visible(task), max(3, room)) for task in columns])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _table(result: AuditResult) -> ReportTable:
    tasks = _tasks(result)
    rows = [
        (label(point.model), label(point.task), format_estimate(point.observed), format_estimate(point.probe))
        for point in (tasks.points if tasks else ())
    ]
    return ReportTable(("Model", "Task", "Accuracy of its own answers", "Accuracy of the probe"), tuple(rows), names=2)


MATRIX = Figure(
    name="matrix",
    order=4,
    title=_TITLE,
    caption=(
        "Share of texts whose right label the model finds the most likely (left), and that a linear probe of its "
        "hidden states gets right on texts it was not fitted on (right). The stronger the shade, the higher. Where the "
        "left falls and the right does not, what a probe can read is still there though the answers got worse. A probe "
        "learns the task by itself: compare it with the row of the untrained model."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
    part="series",
    in_summary=True,
)
