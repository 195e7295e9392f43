"""Compare one tensor with the origin's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import eigvalsh, svdvals

from auditor.forgetting.weights.contents import Parameter
from auditor.forgetting.weights.lora import Factors
from auditor.forgetting.weights.tensors import NotComparedError, Part, Stored, parts, rounded
from auditor.inference.design import Floats


@dataclass(frozen=True, slots=True)
class Change:
    """Change of one tensor.

    Attributes:
        parameters: Number of elements.
        norm: Squared Frobenius norm of the origin's tensor.
        square: Squared Frobenius norm of the change.
        effective_rank: Effective rank of the change; None where nothing changed, where the tensor is no matrix, or
            where it is too large.
        full_rank: Largest possible rank of a change of this shape; None where the tensor is no matrix.
        by_adapter: How an adapter made the change: `added` to the same stored values, or `replaced` by its own tensor;
            None where the stored values themselves differ.
    """

    parameters: int
    norm: float
    square: float
    effective_rank: float | None
    full_rank: int | None
    by_adapter: Literal["added", "replaced"] | None

    @property
    def changed(self) -> bool:
        """Whether any element differs."""
        return self.square > 0


def squared_norm(name: str, parameter: Parameter) -> float:
    """Squared Frobenius norm of a tensor, including what an adapter adds to it.

    Raises:
        NotComparedError: An element is not finite.
    """
    total = 0.0
    for part in parts(parameter.stored.shape):
        values = parameter.stored.values(part).astype(np.float64)
        if parameter.added is not None:
            values += _piece(parameter.added, part)
        total += _finite(name, float(np.square(values).sum()))
    return total


def compare(name: str, before: Parameter, after: Parameter, *, norm: float, largest: int) -> Change:
    """Compare one tensor of two checkpoints.

    Values stored in different formats are compared in float32; they count as equal where rounding one to the format of
    the other makes them equal.

    Args:
        name: Name of the tensor, for messages.
        before: The origin's tensor.
        after: The later checkpoint's tensor.
        norm: Squared norm of `before`.
        largest: Largest smaller side of a matrix whose effective rank is computed.

    Raises:
        NotComparedError: The shapes differ, or an element is not finite.
    """
    if before.stored.shape != after.stored.shape:
        raise NotComparedError(
            f"{name} has the shape {_extent(after.stored)} where the origin's has {_extent(before.stored)}"
        )
    shape = before.stored.shape
    size, full = math.prod(shape), min(shape) if len(shape) == 2 else None
    if before.stored.same_bytes(after.stored):
        values = _singular_values(before.added, after.added)
        square = _finite(name, float(np.square(values).sum()))
        rank = effective_rank(values) if square > 0 else None
        return Change(size, norm, square, rank, full, by_adapter="added")

    gram = np.zeros((full, full)) if full is not None and full <= largest else None
    square = 0.0
    for part in parts(shape):
        change = _difference(before.stored, after.stored, part)
        for factors, sign in ((after.added, 1.0), (before.added, -1.0)):
            if factors is not None:
                change += sign * _piece(factors, part)
        in_part = _finite(name, float(np.square(change).sum()))
        square += in_part
        if gram is not None and in_part > 0:
            gram += change.T @ change if len(part) == 1 else change @ change.T
    rank = effective_rank(_roots(gram)) if gram is not None and square > 0 else None
    replaced = before.replaced or after.replaced
    return Change(size, norm, square, rank, full, by_adapter="replaced" if replaced else None)


def effective_rank(values: Floats) -> float:
    """Exponential of the entropy of singular values [n] divided by their sum: 1 for a single one, n for n equal ones.

    Source: Roy and Vetterli 2007, section 3.
    """
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _roots(gram: Floats) -> Floats:
    """Singular values of a matrix from its Gram matrix, without those within rounding error of zero."""
    squares = eigvalsh(gram)
    floor = max(float(squares[-1]), 0.0) * len(squares) * np.finfo(np.float64).eps
    return np.asarray(np.sqrt(squares[squares > floor]), dtype=np.float64)


def _singular_values(before: Factors | None, after: Factors | None) -> Floats:
    """Singular values of the difference of two products, without forming either."""
    if before is not None and after is not None:
        if np.array_equal(before.left, after.left) and np.array_equal(before.right, after.right):
            return np.zeros(0)
        left, right = np.hstack([after.left, -before.left]), np.vstack([after.right, before.right])
    else:
        factors = after or before
        if factors is None:
            return np.zeros(0)
        left, right = factors.left, factors.right
    outer, inner = (np.asarray(np.linalg.qr(half, mode="r")) for half in (left, right.T))
    values = svdvals(outer @ inner.T)
    return np.asarray(values[values > values.max(initial=0.0) * len(values) * np.finfo(np.float64).eps])


def _difference(before: Stored, after: Stored, part: Part) -> Floats:
    old, new = before.values(part), after.values(part)
    change = new.astype(np.float64) - old
    if before.dtype != after.dtype:
        change[(rounded(old, after.dtype) == new) | (old == rounded(new, before.dtype))] = 0.0
    return change


def _piece(factors: Factors, part: Part) -> Floats:
    columns = part[1] if len(part) > 1 else slice(None)
    return np.asarray(factors.left[part[0]] @ factors.right[:, columns], dtype=np.float64)


def _finite(name: str, value: float) -> float:
    if not np.isfinite(value):
        raise NotComparedError(f"{name} has values that are not finite")
    return value


def _extent(stored: Stored) -> str:
    return " x ".join(map(str, stored.shape))
