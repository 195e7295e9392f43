"""What the figures of a series share: positions for checkpoints, labels at the ends of lines, marks of their own."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditor.core.text import shorten, visible
from auditor.report.figures._canvas import CONTROL, GUARD, HELDOUT, INK, LINE, PAPER, SUSPECT
from auditor.results.forgetting.estimate import Estimate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Look = tuple[str, str, tuple[float, ...]]
LOOKS: tuple[Look, ...] = (
    (SUSPECT, "o", ()),
    (HELDOUT, "s", (5, 2)),
    (GUARD, "^", (1, 1.5)),
    (CONTROL, "D", (6, 2, 1, 2)),
    (INK, "v", (3, 1.5)),
    (HELDOUT, "X", (1, 3)),
)
"""Colour, mark and dashes, so that lines are distinguished without colour."""

_LETTER = 7.0  # width of a letter in user units, for what fits where


def name_places(axes: Axes, names: Sequence[str], width: float) -> None:
    """Name the checkpoints under a panel `width` user units wide; by their number where names would run together."""
    room = int(width / len(names) / _LETTER) - 1
    if room >= 5:
        labels = [_in_two_lines(visible(name), min(room, 24)) for name in names]
    else:
        labels = [str(position + 1) for position in range(len(names))]
        axes.set_xlabel("Number of the checkpoint")
    axes.set_xticks(range(len(names)), labels)
    axes.set_xlim(-0.4, len(names) - 0.6)


def _in_two_lines(name: str, room: int) -> str:
    lines = textwrap.wrap(name, room, drop_whitespace=False)
    return "\n".join(lines) if len(lines) <= 2 else shorten(name, room)


def draw_estimates(
    axes: Axes, values: Sequence[Estimate | None], look: Look, *, shift: float = 0.0, hollow: bool = False
) -> None:
    """A line through the figures of the checkpoints with a bar for each interval; None leaves a gap."""
    colour, marker, dashes = look
    positions = [position + shift for position in range(len(values))]
    known = [(position, value) for position, value in zip(positions, values, strict=True) if value is not None]
    axes.vlines(
        [position for position, _ in known],
        [value.low for _, value in known],
        [value.high for _, value in known],
        color=colour,
        linewidth=2.0,
    )
    axes.plot(
        positions,
        [float("nan") if value is None else value.value for value in values],
        color=colour,
        marker=marker,
        markersize=6.5,
        markerfacecolor=PAPER if hollow else colour,
        linewidth=1.6,
        linestyle=(0, dashes) if dashes else "-",
    )


def label_ends(axes: Axes, ends: Sequence[tuple[float, str, str]], height: float) -> None:
    """Name lines at the right of a panel `height` user units high, moved apart where they would cover each other.

    Args:
        axes: The panel, its limits set.
        ends: Of each line its last value, its name and its colour.
        height: In user units.
    """
    low, high = axes.get_ylim()
    least = 15.0 / height
    top = 1.0 + least / 2
    wanted = sorted(((value - low) / (high - low), name, colour) for value, name, colour in ends)
    positions = [min(max(position, 0.0), 1.0) for position, _, _ in wanted]
    for position in range(1, len(positions)):
        positions[position] = max(positions[position], positions[position - 1] + least)
    for position in range(len(positions) - 1, -1, -1):
        positions[position] = min(positions[position], top - least * (len(positions) - 1 - position))
    for at, (_, name, colour) in zip(positions, wanted, strict=True):
        axes.text(1.015, at, name, transform=axes.transAxes, va="center_baseline", color=colour)


def grid(axes: Axes) -> None:
    """Thin horizontal lines."""
    axes.grid(visible=True, axis="y", color=LINE)
