"""The frame shared by figures that list AUCs with their intervals, one a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.core.text import shorten, visible
from auditor.report.figures._canvas import LINE, MUTED, PAPER, WIDTH, draw_svg, panel
from auditor.report.text import format_auc

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_ROW = 26.0
_NAME_LENGTH = 30


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One AUC: its label, its interval where it has one, and how it is marked."""

    label: str
    auc: float
    low: float | None
    high: float | None
    colour: str
    marker: str
    filled: bool = True


def draw_forest(
    name: str, title: str, description: str, rows: Sequence[ForestRow], axis: str, groups: Sequence[int] = ()
) -> str:
    """Draw one row an AUC, from top to bottom, with the chance line at one half and the value in figures at the right.

    Args:
        name: Prefix of ids.
        title: Accessible name.
        description: Text alternative.
        rows: What to draw.
        axis: Label of the horizontal axis.
        groups: Indices of rows before which a thin line parts them from those above.
    """
    labels = [shorten(visible(row.label), _NAME_LENGTH) for row in rows]
    left = 20 + 7.2 * max(len(label) for label in labels)
    height = _ROW * len(rows)

    def paint(canvas: Canvas) -> None:
        from matplotlib.transforms import blended_transform_factory

        axes = panel(canvas, left, 8, WIDTH - left - 62, height)
        across = blended_transform_factory(canvas.transFigure, axes.transData)
        axes.axvline(0.5, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        for position, row in enumerate(rows):
            if row.low is not None and row.high is not None:
                axes.plot(
                    [row.low, row.high], [position, position], color=row.colour, linewidth=2.2, solid_capstyle="butt"
                )
            face = row.colour if row.filled else PAPER
            axes.plot(
                row.auc,
                position,
                row.marker,
                color=row.colour,
                markerfacecolor=face,
                markersize=8.5,
                markeredgewidth=1.6,
            )
            axes.text(1.02, position, format_auc(row.auc), transform=axes.get_yaxis_transform(), va="center_baseline")
            axes.text(0, position, labels[position], transform=across, va="center_baseline")
        for position in groups:
            axes.axhline(position - 0.5, color=LINE, linewidth=1.0)
        ends = [end for row in rows for end in (row.low, row.high, row.auc) if end is not None]
        axes.set_xlim(max(0.0, min(0.4, min(ends) - 0.02)) - 0.005, min(1.0, max(0.6, max(ends) + 0.02)) + 0.005)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(axis)
        axes.grid(visible=True, axis="x")

    return draw_svg(name, title, description, height + 58, paint)
