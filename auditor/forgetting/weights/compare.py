"""One tensor beside the same one of the origin."""

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
    """What happened to one tensor.

    Attributes:
        parameters: How many numbers it has.
        norm: Squared Frobenius norm of the origin's.
        square: Squared Frobenius norm of the change.
        effective_rank: Of the change; None where nothing changed, where it is no matrix, or where it is too large.
        full_rank: The rank a change of this shape could have; None where it is no matrix.
        by_adapter: How an adapter made the change: by a product added to the same stored values, or by a tensor of its
            own in their place; None where the stored values themselves differ.
    """

    parameters: int
    norm: float
    square: float
    effective_rank: float | None
    full_rank: int | None
    by_adapter: Literal["added", "replaced"] | None

    @property
    def changed(self) -> bool:
        """Whether any of its numbers differs."""
        return self.square > 0


def squared_norm(name: str, parameter: Parameter) -> float:
    """Squared Frobenius norm of a tensor with what is added to it.

    Raises:
        NotComparedError: One of its numbers is not finite.
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

    Numbers stored in different formats are compared in float32; where rounding one to the other's format makes them
    equal, they count as the same.

    Args:
        name: For messages.
        before: The origin's.
        after: The later checkpoint's.
        norm: Squared norm of `before`.
        largest: Largest smaller side of a matrix whose effective rank is worked out.

    Raises:
        NotComparedError: The shapes differ, or a number is not finite.
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
        found = _finite(name, float(np.square(change).sum()))
        square += found
        if gram is not None and found > 0:
            gram += change.T @ change if len(part) == 1 else change @ change.T
    rank = effective_rank(_roots(gram)) if gram is not None and square > 0 else None
    replaced = before.replaced or after.replaced
    return Change(size, norm, square, rank, full, by_adapter="replaced" if replaced else None)


def effective_rank(values: Floats) -> float:
    """Exponential of the entropy of singular values [n] divided by their sum: 1 for one of them, n for n equal ones.

    Source: Roy and Vetterli 2007, section 3.
    """
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _roots(gram: Floats) -> Floats:
    """Singular values of a matrix from its Gram matrix; those within its rounding error are none."""
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
        raise NotComparedError(f"{name} holds numbers that are not finite")
    return value


def _extent(stored: Stored) -> str:
    return " x ".join(map(str, stored.shape))
