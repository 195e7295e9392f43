"""Comparing two trees of JSON leaf by leaf, to the last bit; estimates alone may differ by what a processor rounds."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

CLOSE = 1e-9
"""Relative difference up to which two figures may be the same sum in another order, on another processor."""
_NOTHING = 1e-15
"""Absolute difference that is none for an estimate, which may be next to nothing itself."""
_EXACT = re.compile(
    r"(^|\.)(thresholds|manifest|configuration|multiplicity|gate)\b|p-value"
    r"|(^|[._])(p_value|p_adjusted|alpha|level|limit|threshold|margin_d|missing_suspect|missing_heldout)$"
)
"""What was chosen, and what is a ratio of whole numbers, such as a permutation p-value and Holm's multiple of it."""
_BY_FORMULA = re.compile(
    r"^procedures\[|\.equivalence\.|(^|\.)tasks\.tests\["
    r"|guards\[(null-splits|direction)\]|\[[^]]*(uneven|equivalence p-value)[^]]*\]"
)
"""What of this is a p-value or a limit by a formula instead (Student's t, binomial, Fisher, Kolmogorov-Smirnov, normal
quantile): it may differ in the last bits as an estimate may, however small it is."""
_NAMED = ("guards", "figures")
"""Lists whose parts are told by their names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf that is not the same.

    Attributes:
        path: Where it is, such as `membership.columns[2].auc`.
        stored: What the file says.
        again: What it should say.
    """

    path: str
    stored: Any
    again: Any


@dataclass(frozen=True, slots=True)
class TreeComparison:
    """Two trees beside each other.

    Attributes:
        figures: Numbers that were compared.
        leaves: Leaves that were compared, numbers and others.
        differences: Leaves that differ.
        close: Numbers that differ by less than another processor may make them.
        farthest: Largest relative difference of these.
    """

    figures: int
    leaves: int
    differences: tuple[Difference, ...]
    close: int
    farthest: float


class Absent:
    """Stands for a leaf that one of the trees lacks."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = Absent()


def compare(stored: Any, again: Any, *, at: str = "") -> TreeComparison:
    """Hold two trees of JSON against each other.

    Only two numbers that are not whole and not of `_EXACT` can be close without being the same.

    Args:
        stored: What the file holds.
        again: What it should hold.
        at: Path of both in the whole, with which the paths of differences begin.
    """
    figures = leaves = near = 0
    farthest = 0.0
    differences: list[Difference] = []
    for path, label, left, right in _pairs(stored, again, at, ""):
        leaves += 1
        figures += _is_number(left) or _is_number(right)
        if type(left) is type(right) and repr(left) == repr(right):
            continue
        apart = _apart(label, left, right)
        if apart <= CLOSE:
            near, farthest = near + 1, max(farthest, apart)
        else:
            differences.append(Difference(path, left, right))
    return TreeComparison(figures, leaves, tuple(differences), near, farthest)


def leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of a tree by path; an empty list or object is a leaf too."""
    return ((path, value) for path, _, value, _ in _pairs(tree, tree, "", ""))


def _apart(label: str, left: Any, right: Any) -> float:
    """Difference of two leaves over the larger of them; infinite where nothing but the same will do."""
    if not isinstance(left, float) or not isinstance(right, float):
        return math.inf
    exact = _EXACT.search(label) is not None
    if exact and not _BY_FORMULA.search(label):
        return math.inf
    gap = abs(left - right)
    return 0.0 if not exact and gap <= _NOTHING else gap / max(abs(left), abs(right))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _pairs(stored: Any, again: Any, path: str, label: str) -> Iterator[tuple[str, str, Any, Any]]:
    """Leaves of both trees by path, and by the path with names in place of numbers; empty lists are leaves too."""
    if isinstance(stored, dict) and isinstance(again, dict) and (stored or again):
        for key in dict.fromkeys((*stored, *again)):
            ways = (f"{way}.{key}" if way else str(key) for way in (path, label))
            yield from _pairs(stored.get(key, ABSENT), again.get(key, ABSENT), *ways)
    elif isinstance(stored, list) and isinstance(again, list) and (stored or again):
        named = label.rpartition(".")[2] in _NAMED
        for place in range(max(len(stored), len(again))):
            left, right = (tree[place] if place < len(tree) else ABSENT for tree in (stored, again))
            called = right.get("name", place) if named and isinstance(right, dict) else place
            yield from _pairs(left, right, f"{path}[{place}]", f"{label}[{called}]")
    else:
        yield path, label, stored, again
