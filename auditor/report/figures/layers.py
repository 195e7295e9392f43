"""Where in the network the trace sits: a probe of each layer at each checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.core.text import shorten, visible
from auditor.report.figures._canvas import MUTED, PAPER, draw_svg, panel
from auditor.report.figures._checkpoints import LOOKS, grid, label_ends
from auditor.report.figures.figure import Figure
from auditor.report.series import choose, label, series_of, spread
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_auc, format_fixed, format_interval, format_p, format_percent
from auditor.results.forgetting.series import Checkpoint
from auditor.results.result import AuditResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_TITLE = "Where the trace sits: a probe of each layer"
_HEIGHT = 250.0
_ROWS = 240  # of the table
_MARKS = 160  # in all: a mark a layer where there are few, else every second, third


def _probed(result: AuditResult) -> list[Checkpoint]:
    """At most six checkpoints whose layers were probed."""
    series = series_of(result)
    probed = [checkpoint for checkpoint in (series.checkpoints if series else ()) if checkpoint.layers]
    reference = [index for index, checkpoint in enumerate(probed) if series and checkpoint.name == series.reference]
    return [probed[index] for index in choose(len(probed), len(LOOKS), reference)]


def _describe(result: AuditResult) -> str:
    lines = []
    for checkpoint in _probed(result):
        best = max(checkpoint.layers, key=lambda layer: layer.probe_auc)
        clear = sum(layer.probe_p_adjusted <= result.thresholds.alpha for layer in checkpoint.layers)
        lines.append(
            f"{label(checkpoint.name)}: highest AUC {format_auc(best.probe_auc)} at layer {best.layer}, {clear} of "
            f"{len(checkpoint.layers)} layers clear of chance"
        )
    return "; ".join(lines) or "No layer was probed."


def _draw(result: AuditResult) -> str | None:
    shown = _probed(result)
    if not shown:
        return None
    every = max(1, -(-sum(len(checkpoint.layers) for checkpoint in shown) // _MARKS))

    def paint(canvas: Canvas) -> None:
        axes = panel(canvas, 64, 14, 446, _HEIGHT)
        axes.axhline(0.5, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        ends = []
        for checkpoint, (colour, marker, dashes) in zip(shown, LOOKS, strict=False):
            layers = [layer.layer for layer in checkpoint.layers]
            values = [layer.probe_auc for layer in checkpoint.layers]
            axes.plot(layers, values, color=colour, linewidth=1.5, linestyle=(0, dashes) if dashes else "-")
            for clear in (True, False):
                marked = [
                    layer
                    for layer in checkpoint.layers[::every]
                    if (layer.probe_p_adjusted <= result.thresholds.alpha) is clear
                ]
                axes.plot(
                    [layer.layer for layer in marked],
                    [layer.probe_auc for layer in marked],
                    marker,
                    color=colour,
                    markerfacecolor=colour if clear else PAPER,
                    markersize=5.5,
                )
            ends.append((values[-1], shorten(visible(checkpoint.name), 16), colour))
        last = shown[-1]
        axes.fill_between(
            [layer.layer for layer in last.layers],
            [layer.probe_interval.low for layer in last.layers],
            [layer.probe_interval.high for layer in last.layers],
            color=LOOKS[len(shown) - 1][0],
            alpha=0.13,
            linewidth=0,
        )
        lowest = min(layer.probe_interval.low for layer in last.layers)
        bottom, top = axes.get_ylim()
        axes.set_ylim(max(0.0, min(bottom, 0.4, lowest)), min(1.01, max(top, 0.6)))
        axes.locator_params(axis="x", integer=True)
        axes.set_xlabel("Layer (0 is the embeddings)")
        axes.set_ylabel("AUC of the probe")
        grid(axes)
        label_ends(axes, ends, _HEIGHT)

    return draw_svg("layers", _TITLE, _describe(result), 322, paint)


def _table(result: AuditResult) -> ReportTable:
    headers = (
        "Checkpoint",
        "Layer",
        "Probe AUC",
        "Interval",
        "p-value",
        "Adjusted p",
        "Procrustes (0 to 2)",
        "By chance",
        "Neighbours preserved",
        "By chance",
        "CKA",
    )
    probed = _probed(result)
    rows = [
        (
            label(checkpoint.name),
            str(layer.layer),
            format_auc(layer.probe_auc),
            format_interval(layer.probe_interval),
            format_p(layer.probe_p_value, result.thresholds.alpha),
            format_p(layer.probe_p_adjusted, result.thresholds.alpha),
            _or_none(layer.procrustes),
            _or_none(layer.procrustes_chance),
            "none" if layer.neighbours is None else format_percent(layer.neighbours),
            "none" if layer.neighbours_chance is None else format_percent(layer.neighbours_chance),
            _or_none(layer.cka),
        )
        for checkpoint in probed
        for layer in (checkpoint.layers[index] for index in spread(len(checkpoint.layers), _ROWS // len(probed)))
    ]
    return ReportTable(headers, tuple(rows))


def _or_none(value: float | None) -> str:
    return "none" if value is None else format_fixed(value)


LAYERS = Figure(
    name="layers",
    order=2,
    title=_TITLE,
    caption=(
        "How well a straight cut through a layer's hidden states, averaged over each document, tells suspect from "
        "held-out groups it was not fitted on. Filled marks stay clear of chance after correction for looking at every "
        "layer of that checkpoint; hollow ones do not. At most six checkpoints are drawn; the band is the interval of "
        "the last. Hidden states hold the text itself as well as memory of it: the level tells little, a change from "
        "the origin more."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
    part="series",
)
