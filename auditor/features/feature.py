"""Feature: one number per document, a pure function of the token records of the views it names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from auditor.signals.views import TARGET, View


class Missing(float):
    """A NaN that says why the feature cannot be computed."""

    reason: str

    def __new__(cls, reason: str) -> Missing:
        """Create a NaN; `reason` names no document, so that equal reasons can be counted."""
        value = super().__new__(cls, "nan")
        value.reason = reason
        return value


@dataclass(frozen=True, slots=True)
class Feature:
    """A membership score of one document.

    Attributes:
        name: Short, unique, in kebab case.
        family: Features of one idea; each family's mean is one of the engine's statistics.
        views: The views `compute` is called with, in this order.
        direction: +1 if higher values look more like training data, -1 if lower do, 0 if no direction is claimed.
        source: Paper and section.
        summary: One line: what it measures, with its unit.
        sets: The selections (`--features NAME`) that contain it.
        compute: `compute(*signals)` with one TokenSignals a view; returns a float, or `Missing(reason)`.
    """

    name: str
    family: str
    views: tuple[View, ...]
    direction: Literal[-1, 0, 1]
    source: str
    summary: str
    sets: frozenset[str]
    compute: Callable[..., float]


def feature(
    *,
    name: str,
    family: str,
    source: str,
    views: tuple[View, ...] = (TARGET,),
    direction: Literal[-1, 0, 1] = 1,
    sets: tuple[str, ...] = ("default",),
) -> Callable[[Callable[..., float]], Feature]:
    """Turn a pure function of TokenSignals into a Feature; the first line of its docstring is the summary."""

    def decorate(compute: Callable[..., float]) -> Feature:
        summary = (compute.__doc__ or "").strip().partition("\n")[0]
        return Feature(name, family, views, direction, source, summary, frozenset(sets), compute)

    return decorate
