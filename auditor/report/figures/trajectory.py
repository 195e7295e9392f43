"""The gap of the suspect set and the loss of the model from checkpoint to checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from auditor.core.text import visible
from auditor.report.figures._canvas import CONTROL, GUARD, HELDOUT, INK, MUTED, SUSPECT, draw_svg, panel
from auditor.report.figures._checkpoints import Look, draw_estimates, grid, label_ends, name_places
from auditor.report.figures.figure import Figure
from auditor.report.series import label, series_of
from auditor.report.tables.table import ReportTable
from auditor.report.text import ends, format_estimate, format_fixed
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.series import Checkpoint
from auditor.results.result import AuditResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

_TITLE = "The trace from checkpoint to checkpoint"
_WIDTH = 470.0
_LOOKS: dict[str, Look] = {
    "suspect": (SUSPECT, "o", ()),
    "placebo": (CONTROL, "^", (5, 2)),
    "held-out": (HELDOUT, "s", (5, 2)),
    "general": (GUARD, "D", (1, 1.5)),
}


def _describe(result: AuditResult) -> str:
    series = series_of(result)
    if series is None:
        return "No series of checkpoints was measured."
    return "; ".join(
        f"{label(c.name)}: {c.state.code} {visible(c.state.name)}, gap {format_fixed(c.suspect.gap.value, 0)} bits per "
        f"byte ({ends(c.suspect.gap, 0)}), AUC {format_fixed(c.suspect.auc.value, 0.5)}"
        for c in series.checkpoints
    )


def _of(checkpoints: list[Checkpoint], what: Callable[[Contrast], Estimate]) -> dict[str, list[Estimate | None]]:
    estimates: dict[str, list[Estimate | None]] = {"suspect": [what(c.suspect) for c in checkpoints]}
    if any(c.placebo is not None for c in checkpoints):
        estimates["placebo"] = [None if c.placebo is None else what(c.placebo) for c in checkpoints]
    return estimates


def _losses(checkpoints: list[Checkpoint]) -> dict[str, list[Estimate | None]]:
    estimates: dict[str, list[Estimate | None]] = {"held-out": [c.heldout for c in checkpoints]}
    if any(c.general is not None for c in checkpoints):
        estimates["general"] = [None if c.general is None else c.general.loss for c in checkpoints]
    return estimates


def _lines(axes: Axes, lines: dict[str, list[Estimate | None]], height: float) -> None:
    labels = []
    for index, (name, values) in enumerate(lines.items()):
        shift = 0.1 * (index - (len(lines) - 1) / 2)
        draw_estimates(axes, values, _LOOKS[name], shift=shift, hollow=name == "placebo")
        last = next((value for value in reversed(values) if value is not None), None)
        if last is not None:
            labels.append((last.value, name, _LOOKS[name][0]))
    label_ends(axes, labels, height)
    grid(axes)


def _draw(result: AuditResult) -> str | None:
    series = series_of(result)
    if series is None:
        return None
    checkpoints = list(series.checkpoints)

    def paint(canvas: Canvas) -> None:
        tall, middle, low = (
            panel(canvas, 70, top, _WIDTH, height) for top, height in ((36, 160), (212, 130), (358, 110))
        )
        tall.axhline(0, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        _lines(tall, _of(checkpoints, lambda contrast: contrast.gap), 160)
        tall.set_ylabel("Gap, bits per byte")
        middle.axhline(0.5, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        _lines(middle, _of(checkpoints, lambda contrast: contrast.auc), 130)
        middle.set_ylabel("AUC of the loss")
        _lines(low, _losses(checkpoints), 110)
        low.set_ylabel("Loss, bits/byte")
        for axes in (tall, middle, low):
            name_places(axes, [c.name for c in checkpoints], _WIDTH)
            axes.yaxis.set_label_coords(-50 / _WIDTH, 0.5)
        for axes in (tall, middle):
            axes.tick_params(labelbottom=False)
            axes.set_xlabel("")
        room = _WIDTH / len(checkpoints) / 7
        for index, checkpoint in enumerate(checkpoints):
            state = f"{checkpoint.state.code} {visible(checkpoint.state.name)}"
            tall.text(
                index,
                1.06,
                state if len(state) < room else checkpoint.state.code,
                transform=tall.get_xaxis_transform(),
                ha="center",
                color=INK,
                weight="bold",
            )

    return draw_svg("trajectory", _TITLE, _describe(result), 516, paint)


def _table(result: AuditResult) -> ReportTable:
    series = series_of(result)
    headers = (
        "Checkpoint",
        "State",
        "Gap (bits per byte)",
        "Placebo gap",
        "AUC",
        "Placebo AUC",
        "Held-out loss",
        "General loss",
    )
    return ReportTable(
        headers,
        tuple(
            (
                label(c.name),
                c.state.code,
                format_estimate(c.suspect.gap, 0),
                "not given" if c.placebo is None else format_estimate(c.placebo.gap, 0),
                format_estimate(c.suspect.auc, 0.5),
                "not given" if c.placebo is None else format_estimate(c.placebo.auc, 0.5),
                format_estimate(c.heldout),
                "not given" if c.general is None else format_estimate(c.general.loss),
            )
            for c in (series.checkpoints if series else ())
        ),
    )


TRAJECTORY = Figure(
    name="trajectory",
    order=1,
    title=_TITLE,
    caption=(
        "Above: how many bits per byte less the model needs for the suspect set than for the held-out set. The "
        "held-out set against itself is zero by definition (dashed); the placebo, a second held-out set put in the "
        "place of the suspect set, shows how far unseen text strays from it. Middle: the same as an AUC, one half "
        "being chance. Below: the loss in bits per byte on text that is not in question; a rise here is a model "
        "getting worse. Bars are intervals; they are shifted sideways so as not to cover each other. The distance "
        "between checkpoints says nothing about training steps."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
    part="series",
)
