"""Rows less what other columns of the same groups predict of them, out of fold and blind to the labels."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from auditor.inference.design import Floats, assign_folds, normal_scores
from auditor.results.rows import Column, Rows

_PENALTIES = np.geomspace(0.1, 1000.0, 9)
_FOLDS = 5


def changes(target: Rows, reference: Rows, comparing: Collection[str] = ()) -> Rows:
    """What the target shows that the reference does not.

    Args:
        target: Rows of the audited model.
        reference: Rows of the reference, in the same order of groups.
        comparing: Columns of the target that compare it with this reference already.

    Returns:
        The columns that both have, as differences, and those of `comparing` as they are.

    Raises:
        ValueError: The two are of other groups.
    """
    if target.groups != reference.groups or not np.array_equal(target.suspect, reference.suspect):
        raise ValueError("target and reference have other groups")
    position = {column.name: index for index, column in enumerate(reference.columns)}
    columns, values = list[Column](), list[Floats]()
    for index, column in enumerate(target.columns):
        if column.name in position:
            values.append(target.values[:, index] - reference.values[:, position[column.name]])
        elif column.name in comparing:
            values.append(target.values[:, index])
        else:
            continue
        columns.append(column)
    table = np.column_stack(values) if values else np.empty((len(target.groups), 0))
    return Rows(table, target.suspect, target.groups, tuple(columns))


def adjusted(rows: Rows, *predictors: Rows, rng: np.random.Generator) -> Rows:
    """Take out of every column what a ridge regression on the predictors says of it.

    Rows and predictors become normal scores. Each fold is predicted from the other folds, with the penalty that
    leave-one-out prefers there, so nothing is taken out by chance fits: a column of which the predictors say nothing
    stays nearly as it is. Labels take no part, so a permutation test on the result is as exact as one on `rows`.

    Unit: the group. Assumption: none for validity; what is taken out is the linear part on the scale of ranks.
    Source: regression adjustment of a randomisation test (Rosenbaum 2002, Statistical Science 17, section 2).

    Args:
        rows: [groups, columns].
        predictors: Rows of the same groups in the same order.
        rng: Draws the folds.

    Returns:
        [groups, columns] residuals, NaN where `rows` has no value.
    """
    from sklearn.linear_model import RidgeCV

    scores, explaining = normal_scores(rows.values), np.hstack([normal_scores(other.values) for other in predictors])
    predicted = np.zeros_like(scores)
    fold = assign_folds(rows.groups, min(_FOLDS, len(set(rows.groups))), rng)
    for held in range(int(fold.max()) + 1):
        train = fold != held
        model = RidgeCV(alphas=_PENALTIES, alpha_per_target=True).fit(explaining[train], scores[train])
        predicted[~train] = model.predict(explaining[~train]).reshape(-1, scores.shape[1])
    # Further digits are noise of the solver, which would give ranks to a column that is constant.
    residuals: Floats = np.where(np.isnan(rows.values), np.nan, np.round(scores - predicted, 9))
    return Rows(residuals, rows.suspect, rows.groups, rows.columns)
