"""Comparison of two JSON trees leaf by leaf, to the last bit; only estimates may differ, by rounding."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auditor.membership.guards.guard import guards_where

CLOSE = 1e-9
"""Relative difference up to which two figures may be the same sum in another order, on another processor."""
_NOTHING = 1e-15
"""Absolute difference below which two estimates count as equal, as an estimate may be near zero."""
_EXACT = re.compile(
    r"(^|\.)(thresholds|manifest|configuration|multiplicity|gate)\b|p-value"
    r"|(^|[._])(p_value|p_adjusted|alpha|level|limit|threshold|margin_d|missing_suspect|missing_heldout)$"
)
"""Choices, and ratios of whole numbers such as a permutation p-value and Holm's multiple of it."""
_BY_FORMULA = re.compile(
    r"^procedures\[|\.test\.p_value$|^(sequential\.)?p_value$"
    r"|\.equivalence\.|(^|\.)tasks\.tests\[|\[equivalence p-value[^]]*\]"
    rf"|(^|\.)guards\[({'|'.join(sorted(guards_where(lambda guard: not guard.exact_p)))})\]"
)
"""Exceptions to `_EXACT`: p-values and limits by a formula (Student's t, binomial, Fisher, Kolmogorov-Smirnov, normal
quantile; of tests of dealt material also bounds and bets), which may differ in the last bits as an estimate may,
however small they are."""
_NAMED = ("guards", "figures")
"""Lists whose items are identified by their names."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One leaf that differs.

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
    """The comparison of two trees.

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
    """Compare two trees of JSON.

    Only two numbers that are not whole and not of `_EXACT` can be close without being the same.

    Args:
        stored: What the file holds.
        again: What it should hold.
        at: Path of both trees in the whole result, the prefix of the paths of differences.
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
            below = (f"{above}.{key}" if above else str(key) for above in (path, label))
            yield from _pairs(stored.get(key, ABSENT), again.get(key, ABSENT), *below)
    elif isinstance(stored, list) and isinstance(again, list) and (stored or again):
        named = label.rpartition(".")[2] in _NAMED
        for index in range(max(len(stored), len(again))):
            left, right = (tree[index] if index < len(tree) else ABSENT for tree in (stored, again))
            name = right.get("name", index) if named and isinstance(right, dict) else index
            yield from _pairs(left, right, f"{path}[{index}]", f"{label}[{name}]")
    else:
        yield path, label, stored, again


def far_cells(
    where: str, stored: npt.NDArray[np.float64], again: npt.NDArray[np.float64], *, most: float
) -> Iterator[Difference]:
    """Cells of two tables that differ by more than another machine explains.

    Args:
        where: Path of the table.
        stored: [rows, columns] What the file holds.
        again: [rows, columns] What it should hold, NaN where there is nothing.
        most: Largest difference that counts as none, as a share of the largest figure of the column.
    """
    if stored.shape != again.shape:
        yield Difference(where, f"a table of shape {stored.shape}", f"one of shape {again.shape}")
        return
    if not again.size:
        return
    scale = np.nan_to_num(np.nanmax(np.abs(again), axis=0, initial=0.0))
    alike = (np.isnan(stored) & np.isnan(again)) | (np.abs(stored - again) <= most * scale)
    for row, column in zip(*np.nonzero(~alike), strict=True):
        cells = (None if np.isnan(table[row, column]) else float(table[row, column]) for table in (stored, again))
        yield Difference(f"{where}[{row}][{column}]", *cells)
