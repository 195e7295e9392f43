"""Where the groups of each side fall on the learned score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.core.text import amount
from auditor.report.figures._canvas import HELDOUT, INK, MUTED, SUSPECT, draw_svg, panel
from auditor.report.figures.figure import Figure
from auditor.report.tables.table import ReportTable
from auditor.report.text import format_number, typeset
from auditor.results.result import AuditResult, Side

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

_BINS = 24
_TITLE = "Scores of the two sides"


def _scores(result: AuditResult, side: Side) -> list[float]:
    return [group.score for group in result.group_scores if group.side == side]


def _binned(result: AuditResult) -> tuple[list[float], list[int], list[int]]:
    """Edges common to both sides and the number of groups of each side between them."""
    edges = np.histogram_bin_edges([group.score for group in result.group_scores], bins=_BINS)
    counts = [np.histogram(_scores(result, side), bins=edges)[0].tolist() for side in ("suspect", "heldout")]
    return edges.tolist(), counts[0], counts[1]


def _range(scores: list[float]) -> str:
    return typeset(f"{format_number(min(scores))} to {format_number(max(scores))}")


def _describe(result: AuditResult) -> str:
    suspect, heldout = _scores(result, "suspect"), _scores(result, "heldout")
    if not suspect or not heldout:
        return "There are no scores to show on one of the sides."
    return (
        f"Histogram of {amount(len(suspect), 'suspect group')} above the line, with scores from {_range(suspect)}, and "
        f"of {amount(len(heldout), 'held-out group')} below it, with scores from {_range(heldout)}."
    )


def _draw(result: AuditResult) -> str | None:
    if not _scores(result, "suspect") or not _scores(result, "heldout"):
        return None
    edges, suspect, heldout = _binned(result)

    def paint(canvas: Canvas) -> None:
        axes = panel(canvas, 64, 14, 556, 250)
        for counts, sign, colour, hatch in ((suspect, 1, SUSPECT, None), (heldout, -1, HELDOUT, "////")):
            share = [sign * 100 * count / sum(counts) for count in counts]
            axes.bar(edges[:-1], share, np.diff(edges), align="edge", color=colour, alpha=0.3, linewidth=0)
            axes.bar(
                edges[:-1],
                share,
                np.diff(edges),
                align="edge",
                fill=False,
                edgecolor=colour,
                hatch=hatch,
                linewidth=1.2,
            )
        axes.axhline(0, color=INK, linewidth=1.0)
        top = 1.25 * max(abs(bound) for bound in axes.get_ylim())
        axes.set_ylim(-top, top)
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}%")
        axes.set_xlabel("Learned score of a group (no unit; higher looks more trained on)")
        axes.set_ylabel("Share of the side's groups")
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="x", length=0)
        across = axes.transAxes
        above, below = f"Suspect, {amount(sum(suspect), 'group')}", f"Held-out, {amount(sum(heldout), 'group')}"
        axes.text(0.012, 0.97, above, transform=across, va="top", color=SUSPECT, weight="bold")
        axes.text(0.012, 0.03, below, transform=across, va="bottom", color=HELDOUT, weight="bold")
        axes.grid(visible=True, axis="y")
        axes.spines["left"].set_color(MUTED)

    return draw_svg("scores", _TITLE, _describe(result), 318, paint)


def _table(result: AuditResult) -> ReportTable:
    edges, suspect, heldout = _binned(result)
    rows = tuple(
        (_range([low, high]), format_number(of_suspect), format_number(of_heldout))
        for low, high, of_suspect, of_heldout in zip(edges, edges[1:], suspect, heldout, strict=False)
    )
    return ReportTable(("Learned score", "Suspect groups", "Held-out groups"), rows)


SCORES = Figure(
    name="scores",
    order=10,
    title=_TITLE,
    caption=(
        "Each group's score comes from a rule fitted without that group. Suspect groups stand above the line, held-out "
        "groups hang below it. Were the two sides alike, the halves would mirror each other but for chance."
    ),
    describe=_describe,
    draw=_draw,
    table=_table,
)
