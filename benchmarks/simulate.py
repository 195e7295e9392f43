"""Feature matrices with a known truth: correlated columns, several windows a document, no effect or a planted one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from auditor.inference.design import permuted_labels
from auditor.inference.mean_difference import arrange, pvalues, studentised_differences
from auditor.inference.null_distribution import tail
from auditor.inference.threads import one_blas_thread
from auditor.results.rows import Column, Rows

Floats = npt.NDArray[np.float64]

EFFECTS: dict[str, Callable[[np.random.Generator, Floats], Floats]] = {
    "difficulty": lambda rng, loading: loading,
    "equal": lambda rng, loading: np.ones_like(loading),
    "uneven": lambda rng, loading: rng.uniform(0, 1, len(loading)),
    "sparse": lambda rng, loading: (np.arange(len(loading)) < 3).astype(np.float64),
    "contrast": lambda rng, loading: rng.standard_normal(len(loading)),
}
"""Shapes of an effect over the columns: along what makes texts easy, the same everywhere, of any size but one sign,
in three columns only, and of any sign."""


@dataclass(frozen=True)
class Sample:
    """Windows of documents.

    Attributes:
        values: [windows, columns]; standard deviation 1 on the held-out side.
        document: [windows] number of the document each was cut from.
        suspect: [windows] bool.
    """

    values: Floats
    document: npt.NDArray[np.intp]
    suspect: npt.NDArray[np.bool_]


def sample(
    rng: np.random.Generator,
    documents: int,
    *,
    columns: int = 20,
    windows: int = 1,
    icc: float = 0.0,
    effect: float = 0.0,
    shape: str = "equal",
    heavy: bool = False,
) -> Sample:
    """Draw two sides of `documents` documents each.

    Each column is part text difficulty, shared by all columns, and part its own. A share `icc` of the variance of both
    belongs to the document and the rest to the window. Suspects gain a random multiple (0 to 2, by document) of
    `effect` standard deviations, spread over the columns by `shape` with root mean square 1.

    Args:
        rng: Draws everything.
        documents: Documents a side.
        columns: Features.
        windows: Windows a document.
        icc: Intraclass correlation of the windows of a document.
        effect: Mean gain of a suspect, in standard deviations of a window.
        shape: A name in EFFECTS.
        heavy: Student's t with 3 degrees of freedom (scaled to variance 1) instead of normal noise.
    """
    total = 2 * documents
    loading = rng.uniform(0.5, 0.95, columns)

    def noise(*size: int) -> Floats:
        return rng.standard_t(3, size) / np.sqrt(3.0) if heavy else rng.standard_normal(size)

    def part(width: int) -> Floats:
        return math.sqrt(icc) * noise(total, 1, width) + math.sqrt(1 - icc) * noise(total, windows, width)

    values = loading * part(1) + np.sqrt(1 - loading**2) * part(columns)
    gain = EFFECTS[shape](rng, loading)
    gain = gain / np.sqrt(np.mean(gain**2))
    values[:documents] += effect * gain * rng.uniform(0, 2, (documents, 1, 1))
    return Sample(
        values=values.reshape(total * windows, columns),
        document=np.repeat(np.arange(total), windows),
        suspect=np.repeat(np.arange(total) < documents, windows),
    )


def named_columns(count: int, *, families: int = 5, undirected: int = 0) -> tuple[Column, ...]:
    """Columns in families; the first `undirected` families claim no direction."""
    return tuple(
        Column(f"feature-{index}", f"family-{index % families}", 0 if index % families < undirected else 1)
        for index in range(count)
    )


def document_rows(drawn: Sample, *, families: int = 5, undirected: int = 0) -> Rows:
    """One row a document: the average of its windows."""
    counts = np.bincount(drawn.document)
    sums = [np.bincount(drawn.document, weights=column) for column in drawn.values.T]
    return Rows(
        values=np.stack(sums, axis=1) / counts[:, None],
        suspect=np.bincount(drawn.document, weights=drawn.suspect) > 0,
        groups=tuple(f"document-{number}" for number in range(len(counts))),
        columns=named_columns(drawn.values.shape[1], families=families, undirected=undirected),
    )


def window_rows(drawn: Sample, *, families: int = 5) -> Rows:
    """One row a window, as if windows were units: the error the engine is protected against by its callers."""
    return Rows(
        values=drawn.values,
        suspect=drawn.suspect,
        groups=tuple(f"window-{number}" for number in range(len(drawn.values))),
        columns=named_columns(drawn.values.shape[1], families=families),
    )


def mean_difference_pvalues(
    values: Floats,
    suspect: npt.NDArray[np.bool_],
    groups: Sequence[str],
    *,
    permutations: int,
    rng: np.random.Generator,
    alternative: Literal["two-sided", "greater"] = "two-sided",
) -> tuple[float, ...]:
    """Test every column of values [rows, columns] by itself, as the contrasts of a series do.

    Args:
        values: One row for each group and side, none missing.
        suspect: [rows] labels.
        groups: [rows] names.
        permutations: Random permuted labels, which all columns share.
        rng: Draws them.
        alternative: `greater` tests whether the suspect mean is higher.
    """
    fold_rng, label_rng = rng.spawn(2)
    design, arranged = arrange(values, suspect, groups, rng=fold_rng)
    with one_blas_thread():
        pool = studentised_differences(arranged, design, permuted_labels(design, permutations, label_rng))
    return pvalues(pool) if alternative == "two-sided" else tuple(float(tail(row, row[0])) for row in pool)
