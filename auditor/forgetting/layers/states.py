"""Hidden states as matrices: one layer, one row a document or group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from auditor.inference.design import Floats
from auditor.inference.rows import unit_means
from auditor.signals.outputs import ModelOutputs

_STILL = 1e-6
"""States vary where the sum of squares about their mean is more than this part of that about zero: a relative
deviation of 1e-3, far above the rounding of float32 and far below what texts cause (a part of 0.1 to 0.6 in the
bundled model)."""


def depth(traces: Sequence[ModelOutputs]) -> int:
    """How many layers the states have, the embeddings included; 0 where no document has any."""
    return next((len(trace.layers) for trace in traces if trace.layers is not None), 0)


def states(traces: Sequence[ModelOutputs], layer: int) -> Floats:
    """Pooled hidden states of one layer.

    Args:
        traces: One a document, some of them with states.
        layer: 0 is the embeddings.

    Returns:
        [documents, width]; rows of NaN for documents without states or with values that are not finite.
    """
    width = next(trace.layers.shape[1] for trace in traces if trace.layers is not None)
    matrix = np.full((len(traces), width), np.nan)
    for row, trace in enumerate(traces):
        if trace.layers is not None:
            matrix[row] = trace.layers[layer]
    matrix[~np.isfinite(matrix).all(axis=1)] = np.nan
    return matrix


def group_means(matrix: Floats, groups: Sequence[str]) -> Floats:
    """Means [groups, width] over the documents of each group that have states, in order of first appearance."""
    number = {group: index for index, group in enumerate(dict.fromkeys(groups))}
    return unit_means(matrix, np.array([number[group] for group in groups], dtype=np.intp), len(number))


def vary(matrix: Floats) -> bool:
    """Whether rows [rows, width] differ by more than rounding.

    The state at a fixed leading token is the same for every text, and measures of likeness between two such sets of
    constants are made of rounding errors alone.
    """
    total = float(np.square(matrix).sum())
    return len(matrix) > 1 and float(np.square(matrix - matrix.mean(axis=0)).sum()) > _STILL * total
