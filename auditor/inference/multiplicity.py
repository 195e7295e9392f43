"""Corrections for several looks, models or datasets; p-values of repeated splits of one dataset are never combined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.inference.design import Floats


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values that bound the chance of one or more false rejections, under any dependence.

    Source: Holm 1979. Null: each hypothesis its own.

    Returns:
        In the order given: the running maximum of (m - rank + 1) p over the p-values from the smallest, at most 1.

    Raises:
        ValueError: A p-value is missing or outside 0 to 1.
    """
    p: Floats = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not np.all((p >= 0) & (p <= 1)):
        raise ValueError("p-values must be a flat list of numbers from 0 to 1")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return tuple(adjusted.tolist())
