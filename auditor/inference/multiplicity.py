"""Corrections for several tests, models or datasets; p-values of repeated splits of one dataset are never combined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from auditor.results.correction import Correction

if TYPE_CHECKING:
    from auditor.inference.design import Floats


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values that bound the probability of any false rejection, under any dependence.

    Source: Holm 1979. Null: each hypothesis its own.

    Returns:
        In input order: the running maximum of (m - rank + 1) p over the p-values from the smallest, at most 1.

    Raises:
        ValueError: A p-value is missing or outside 0 to 1.
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return tuple(adjusted.tolist())


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values that bound the expected share of false rejections among all.

    Source: Benjamini and Hochberg 1995; under dependence the bound holds for positively dependent p-values (Benjamini
    and Yekutieli 2001). Null: each hypothesis its own.

    Returns:
        In input order: the running minimum of p m / rank over the p-values from the largest, at most 1.

    Raises:
        ValueError: A p-value is missing or outside 0 to 1.
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")[::-1]
    adjusted = np.empty_like(p)
    ranks = np.arange(len(p), 0, -1)
    adjusted[order] = np.minimum(np.minimum.accumulate(p[order] * len(p) / ranks), 1.0)
    return tuple(adjusted.tolist())


def _checked(p_values: Sequence[float]) -> Floats:
    p: Floats = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("p-values must be a flat list of numbers from 0 to 1")
    return p


CORRECTIONS: Mapping[Correction, Callable[[Sequence[float]], tuple[float, ...]]] = {
    "holm": holm,
    "benjamini-hochberg": benjamini_hochberg,
}
