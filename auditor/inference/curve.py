"""The learning curve: the same test on growing numbers of groups."""

from __future__ import annotations

import numpy as np

from auditor.inference.separability import separability
from auditor.results.rows import Rows
from auditor.results.separability import CurvePoint, Separability

_SMALLEST = 10
POINTS = 7
_PERMUTATIONS = 999


def curve_permutations(alpha: float, permutations: int = _PERMUTATIONS) -> int:
    """Permutations a point, so that a p-value can reach alpha."""
    return max(permutations, int(np.ceil(1 / alpha)) - 1)


def curve_sizes(groups: int, points: int = POINTS) -> tuple[int, ...]:
    """Sizes from 10 groups a side to all of them, evenly spaced on a log scale, without repeats."""
    sizes = np.geomspace(min(_SMALLEST, groups), groups, points).round().astype(int)
    return tuple(int(size) for size in np.unique(sizes))


def learning_curve(
    rows: Rows,
    whole: Separability,
    *,
    rng: np.random.Generator,
    alpha: float,
    points: int = POINTS,
    permutations: int = _PERMUTATIONS,
    folds: int = 5,
    bootstraps: int = 400,
) -> tuple[CurvePoint, ...]:
    """Run the engine on the first groups a side of one random order, nested from small to large.

    A description of how the evidence grows, not a choice of p-values: the points share their data, and the verdict
    rests on all rows alone. Null, unit and assumption of each point are those of `separability`.

    Args:
        rows: [groups, columns] values with their labels.
        whole: The engine on all rows, which is the last point.
        rng: Draws the order and then every point.
        alpha: Level of the engine.
        points: Number of sizes; fewer where the smaller side has few groups.
        permutations: Permutations a point; raised where alpha needs more.
        folds: Folds by group.
        bootstraps: Bootstrap samples a point.

    Returns:
        Points by growing size. Where the sides differ in size, the last point, counted on the smaller side, has more
        groups on the other.

    Raises:
        UsageError: A side has fewer than two groups, or there is no column.
    """
    names = sorted(set(rows.groups))
    position = dict(zip(names, rng.permutation(len(names)), strict=True))
    suspect = np.asarray(rows.suspect, dtype=bool)
    ranks = np.array([position[name] for name in rows.groups])
    sides = [side[np.argsort(ranks[side])] for side in (np.flatnonzero(suspect), np.flatnonzero(~suspect))]
    sizes = curve_sizes(min(len(side) for side in sides), points)
    curve = []
    for size, stream in zip(sizes[:-1], rng.spawn(len(sizes))[:-1], strict=True):
        keep = np.sort(np.concatenate([side[:size] for side in sides]))
        point = separability(
            Rows(rows.values[keep], suspect[keep], tuple(rows.groups[row] for row in keep), rows.columns),
            rng=stream,
            alpha=alpha,
            permutations=curve_permutations(alpha, permutations),
            folds=folds,
            bootstraps=bootstraps,
        )
        curve.append(CurvePoint(groups=size, p_value=point.p_value, auc=point.auc, auc_interval=point.auc_interval))
    last = CurvePoint(groups=sizes[-1], p_value=whole.p_value, auc=whole.auc, auc_interval=whole.auc_interval)
    return (*curve, last)
