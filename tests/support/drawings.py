"""Figures drawn once a run: most tests of pages draw what another has drawn, and look at the words around it."""

from __future__ import annotations

import pickle
import pkgutil
from collections.abc import Callable, Hashable
from importlib import import_module
from typing import Any

import pytest


class Drawings:
    """Remembers what was drawn from what.

    A drawing is a function of its words, of the code that paints it and of what that code closes over: where all
    are the same byte for byte, so is the drawing, which the tests of figures assert of fresh ones.
    """

    def __init__(self, draw: Callable[..., str]) -> None:
        self._draw = draw
        self._drawn: dict[Hashable, str] = {}
        self.remembers = True

    def __call__(self, name: str, title: str, description: str, height: float, paint: Callable[..., None]) -> str:
        """Draw, or give what was drawn from the same."""
        closed_over = [cell.cell_contents for cell in paint.__closure__ or ()]  # type: ignore[attr-defined]
        try:
            data = pickle.dumps(closed_over)
        except (pickle.PicklingError, AttributeError, TypeError):
            data = None
        if data is None or not self.remembers:
            return self._draw(name, title, description, height, paint)
        key = (name, title, description, height, paint.__code__, data)  # type: ignore[attr-defined]
        if key not in self._drawn:
            self._drawn[key] = self._draw(name, title, description, height, paint)
        return self._drawn[key]


@pytest.fixture(scope="session", autouse=True)
def _drawings() -> Drawings:
    """In every module that draws."""
    import auditor.report.figures as package
    from auditor.report.figures._canvas import draw_svg

    drawings = Drawings(draw_svg)
    for info in pkgutil.iter_modules(package.__path__):
        module: Any = import_module(f"{package.__name__}.{info.name}")
        if info.name != "_canvas" and hasattr(module, "draw_svg"):
            module.draw_svg = drawings
    return drawings


@pytest.fixture
def drawn_anew(_drawings: Drawings, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the drawing itself."""
    monkeypatch.setattr(_drawings, "remembers", False)
