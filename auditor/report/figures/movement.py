"""How the loss of single documents moved, after the drift of the model is taken off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.report.figures._canvas import HELDOUT, INK, MUTED, SUSPECT, draw_svg, panel
from auditor.report.figures._checkpoints import grid, name_places
from auditor.report.figures.figure import Figure
from auditor.report.series import label, series_of
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_fixed
from auditor.results.forgetting.series import Forgetting
from auditor.results.result import AuditResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_TITLE = "How far single documents moved"
_MOVERS = 20
_WIDTH = 268.0
_MEDIAN = 4


def _whole(series: Forgetting | None) -> bool:
    """Whether there are nine deciles of both sets at every checkpoint."""
    if series is None or len(series.checkpoints) < 2:
        return False
    bands = (series.change_deciles.suspect, series.change_deciles.heldout)
    return all(len(band) == len(series.checkpoints) and all(len(row) == 9 for row in band) for band in bands)


def _describe(result: AuditResult) -> str:
    series = series_of(result)
    if series is None or not _whole(series):
        return "No movement of documents was measured."
    last = series.checkpoints[-1].name
    suspect, heldout = series.change_deciles.suspect[-1], series.change_deciles.heldout[-1]
    return (
        f"At {label(last)}, in bits per byte since the origin and less the mean change of the held-out documents: the "
        f"median suspect document moved {format_fixed(suspect[_MEDIAN], 0)} (first to last decile "
        f"{format_fixed(suspect[0], 0)} to {format_fixed(suspect[-1], 0)}), the median held-out "
        f"document {format_fixed(heldout[_MEDIAN], 0)} "
        f"({format_fixed(heldout[0], 0)} to {format_fixed(heldout[-1], 0)})."
    )


def _draw(result: AuditResult) -> str | None:
    series = series_of(result)
    if series is None or not _whole(series):
        return None
    names = [checkpoint.name for checkpoint in series.checkpoints]

    def paint(canvas: Canvas) -> None:
        left = panel(canvas, 70, 30, _WIDTH, 230)
        right = panel(canvas, 70 + _WIDTH + 22, 30, _WIDTH, 230)
        for axes, rows, colour, dashes, title in (
            (left, series.change_deciles.suspect, SUSPECT, (), "Suspect documents"),
            (right, series.change_deciles.heldout, HELDOUT, (5, 2), "Held-out documents"),
        ):
            for step in range(_MEDIAN):
                lows, highs = [row[step] for row in rows], [row[-1 - step] for row in rows]
                axes.fill_between(range(len(rows)), lows, highs, color=colour, alpha=0.12, linewidth=0)
            axes.plot(
                [row[_MEDIAN] for row in rows], color=colour, linewidth=2.4, linestyle=(0, dashes) if dashes else "-"
            )
            axes.axhline(0, color=MUTED, linewidth=1.0)
            axes.text(0, 1.05, title, transform=axes.transAxes, color=colour, weight="bold")
            grid(axes)
        for mover in series.largest_changes[:_MOVERS]:
            if len(mover.moves) == len(series.checkpoints):
                left.plot(mover.moves, color=INK, linewidth=0.7, alpha=0.6)
        bounds = [bound for axes in (left, right) for bound in axes.get_ylim()]
        for axes in (left, right):
            axes.set_ylim(min(bounds), max(bounds))
            name_places(axes, names, _WIDTH)
        right.tick_params(labelleft=False)
        left.set_ylabel("Bits per byte since the origin")

    return draw_svg("movement", _TITLE, _describe(result), 312, paint)


def _table(result: AuditResult) -> ReportTable:
    series = series_of(result)
    headers = ("Checkpoint", "Set", *(f"{10 * tenth}%" for tenth in range(1, 10)))
    if series is None or not _whole(series):
        return ReportTable(headers, (), names=2)
    rows = [
        (label(checkpoint.name), name, *(format_fixed(value, 0) for value in band))
        for checkpoint, suspect, heldout in zip(
            series.checkpoints, series.change_deciles.suspect, series.change_deciles.heldout, strict=True
        )
        for name, band in (("suspect", suspect), ("held-out", heldout))
    ]
    return ReportTable(headers, tuple(rows), names=2)


MOVEMENT = Figure(
    name="movement",
    order=5,
    title=_TITLE,
    caption=(
        "Change of each document's loss since the origin, in bits per byte, less the mean change of the held-out "
        "documents, so that what happened to all text is taken off. Down is more familiar, up is less. The thick line "
        "is the median; each shade is a step of deciles, the outermost holding eight documents of ten. Thin lines are "
        "the suspect documents that moved farthest; some document always does, and at the right is how far held-out "
        "ones go."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
    part="series",
)
