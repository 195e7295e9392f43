"""The layers of the package, measured from its import graph: `make lint` holds each import against the contracts."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_graph import Layout, layout

PACKAGE = Path(__file__).parents[1] / "auditor"


@pytest.fixture(scope="module")
def measured() -> Layout:
    return layout()


def test_rooms_and_floors_stay_few(measured: Layout) -> None:
    assert len(measured.rooms) <= 26
    assert measured.floors <= 13


def test_no_import_runs_back_up(measured: Layout) -> None:
    assert measured.circles == ()
    assert measured.back == 0


def test_the_root_holds_the_public_face_alone() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == {"__init__.py", "__main__.py", "api.py", "settings.py"}


def test_circles_and_floors_are_counted() -> None:
    arrows = frozenset({("cli", "left"), ("left", "right"), ("right", "left"), ("right", "core")})
    drawn = Layout(("cli", "core", "left", "right"), arrows, (frozenset({"left", "right"}),))
    assert (drawn.floors, drawn.back) == (3, 1)
