"""Measure the layout of the package from its imports.

A room is a top-level folder or module of the package, without `__init__` and `__main__`. An arrow is a pair of rooms of
which one imports the other. A circle is a set of rooms that import one another, directly or not; back arrows are the
fewest arrows whose removal leaves no circle. Floors are the rooms on the longest chain of arrows, with a circle counted
as one room.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import grimp

PACKAGE = "auditor"


@dataclass(frozen=True)
class Layout:
    """The import graph of a package between its rooms.

    Attributes:
        rooms: Their names, sorted.
        arrows: Pairs of an importing and an imported room.
        circles: Sets of rooms that import one another.
    """

    rooms: tuple[str, ...]
    arrows: frozenset[tuple[str, str]]
    circles: tuple[frozenset[str], ...]

    @property
    def back(self) -> int:
        """The fewest arrows whose removal leaves no circle."""
        return sum(self._back(circle) for circle in self.circles)

    def _back(self, circle: frozenset[str]) -> int:
        inner = [arrow for arrow in self.arrows if circle.issuperset(arrow)]
        orders = ({room: index for index, room in enumerate(order)} for order in permutations(circle))
        return min(sum(order[upper] > order[lower] for upper, lower in inner) for order in orders)

    @property
    def floors(self) -> int:
        """Rooms on the longest chain of arrows, a circle counted as one."""
        name = {room: min(circle) for circle in self.circles for room in circle}
        below = defaultdict(set)
        for upper, lower in self.arrows:
            if name.get(upper, upper) != name.get(lower, lower):
                below[name.get(upper, upper)].add(name.get(lower, lower))
        heights: dict[str, int] = {}

        def height(room: str) -> int:
            if room not in heights:
                heights[room] = 1 + max(map(height, below[room]), default=0)
            return heights[room]

        return max(height(name.get(room, room)) for room in self.rooms)


def layout() -> Layout:
    """The layout of the package `auditor` that Python would import."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    room = {module: module.split(".")[1] for module in graph.modules if "." in module}
    rooms = sorted({*room.values()} - {"__main__"})
    arrows = {
        (room[importer], room[imported])
        for importer in room
        for imported in graph.find_modules_directly_imported_by(importer)
        if imported in room
    }
    arrows = {(upper, lower) for upper, lower in arrows if upper != lower and upper != "__main__"}
    return Layout(tuple(rooms), frozenset(arrows), _circles(rooms, arrows))


def _circles(rooms: list[str], arrows: set[tuple[str, str]]) -> tuple[frozenset[str], ...]:
    below: dict[str, set[str]] = {room: {lower for upper, lower in arrows if upper == room} for room in rooms}
    for middle in rooms:
        for room in rooms:
            if middle in below[room]:
                below[room] |= below[middle]
    circles = {frozenset(other for other in below[room] if room in below[other]) for room in rooms}
    return tuple(sorted((circle for circle in circles if len(circle) > 1), key=min))


def report(folder: Path) -> str:
    """The figures of a checkout, one a line."""
    measured = layout()
    files = sorted((folder / PACKAGE).rglob("*.py"))
    figures = {
        "rooms": len(measured.rooms),
        "floors": measured.floors,
        "arrows": len(measured.arrows),
        "back arrows": measured.back,
        "circles": len(measured.circles),
        "root files": len(list((folder / PACKAGE).glob("*.py"))),
        "files": len(files),
        "lines": sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files),
    }
    lines = [f"{name:<12}{value:>7,}" for name, value in figures.items()]
    return "\n".join([*lines, *(f"circle      {', '.join(sorted(circle))}" for circle in measured.circles)])


def main() -> None:
    """Print the figures of this checkout, or of another one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path, nargs="?", default=Path(__file__).parents[1])
    checkout = parser.parse_args().checkout
    sys.path.insert(0, str(checkout))
    print(report(checkout))


if __name__ == "__main__":
    main()
