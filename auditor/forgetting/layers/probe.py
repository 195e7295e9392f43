"""The linear probe of one layer: can suspect and held-out groups be told apart by what the layer makes of them?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import eigh

from auditor.features.table import group_rows
from auditor.inference.design import Floats
from auditor.results.rows import Column, FeatureTable, Rows

COMPONENTS = 32
"""Principal components a probe may use, few beside the groups of a usual audit. With the bundled model trained on its
200 suspect texts for 4, 8 and 16 epochs more, over its layers 16, 32 and 64 gave AUCs from 0.66 to 0.86, 0.76 to 0.88
and 0.81 to 0.88."""
_FAMILY = "states"
_FLAT = 1e-9


def probe_rows(matrix: Floats, groups: Sequence[str], suspect: Sequence[bool], *, components: int = COMPONENTS) -> Rows:
    """Rows for the engine: group means of states, in the first principal components of both sides together.

    The reduction never looks at a label, so the engine's permutation test of what comes out is exact. Every dimension
    is first given the same spread, since a few of a language model's are far larger than all others.

    Args:
        matrix: [documents, width] states, NaN for documents without.
        groups: Group of each document.
        suspect: Whether each document is on the suspect side.
        components: Most columns wanted.

    Returns:
        Rows in the order of `group_rows`, a column a component, without a direction: which way a layer should lean is
        not known. Groups without states are NaN; states that do not vary give one column of zeros.
    """
    wide = tuple(Column(f"dimension {index}", _FAMILY, 0) for index in range(matrix.shape[1]))
    rows = group_rows(FeatureTable(matrix, wide, {}), groups, suspect)
    present = ~np.isnan(rows.values).any(axis=1)
    reduced = principal(rows.values[present], components)
    values = np.full((len(rows.groups), reduced.shape[1]), np.nan)
    values[present] = reduced
    columns = tuple(Column(f"component {index + 1}", _FAMILY, 0) for index in range(reduced.shape[1]))
    return Rows(values, rows.suspect, rows.groups, columns)


def principal(matrix: Floats, components: int) -> Floats:
    """The first principal components [rows, at most `components`, at least one] of standardised columns."""
    centred = matrix - matrix.mean(axis=0)
    spread = centred.std(axis=0)
    scale = np.abs(matrix).max(axis=0, initial=0.0)
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > _FLAT * scale)
    tall = scaled.shape[0] > scaled.shape[1]
    gram = scaled.T @ scaled if tall else scaled @ scaled.T
    wanted = min(components, len(gram))
    values, vectors = eigh(gram, subset_by_index=[len(gram) - wanted, len(gram) - 1])
    keep = values > _FLAT * max(float(values[-1]), 1.0)
    if not keep.any():
        return np.zeros((len(matrix), 1))
    vectors = vectors[:, keep][:, ::-1]
    return np.ascontiguousarray(scaled @ vectors if tall else vectors * np.sqrt(values[keep][::-1]))
