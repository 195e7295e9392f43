"""Rows drawn at random in the shape of an audit: features of a model, and text alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from auditor.features.catalogue import needs_reference, select_features
from auditor.inference.design import Bools
from auditor.inference.power import shift_of_auc
from auditor.membership.blind.rows import NGRAMS, latent_components
from auditor.membership.blind.style import PROPERTIES
from auditor.results.rows import Column, Rows


def planned_columns(features: str, *, reference: bool) -> tuple[Column, ...]:
    """Families and directions of the features of an audit.

    Args:
        features: A selection, as `auditor check --features` takes it.
        reference: Whether the audit will have a reference model; without one its features take no part.

    Raises:
        UsageError: A feature or selection is unknown.
    """
    chosen = select_features(features)
    return tuple(
        Column(feature.name, feature.family, feature.direction)
        for feature in chosen
        if reference or not needs_reference(feature)
    )


def feature_rows(columns: Sequence[Column], groups: int, auc: float, common: float, rng: np.random.Generator) -> Rows:
    """Rows [2 groups, columns] of which the mean of the oriented columns has a given AUC.

    Columns are normal with variance one and the correlation `common` between any two. Every oriented column of a
    suspect row is shifted by the same amount in its direction; columns without a direction are not.

    Args:
        columns: Families and directions.
        groups: Groups a side.
        auc: AUC of the mean of the oriented columns, in the population; one half for no effect.
        common: Share of a column's variance that all columns share.
        rng: Draws the rows.
    """
    suspect, names = _sides(groups)
    own = rng.standard_normal((2 * groups, len(columns)))
    values = math.sqrt(common) * rng.standard_normal((2 * groups, 1)) + math.sqrt(1.0 - common) * own
    directions = np.array([column.direction for column in columns], dtype=np.float64)
    directed = int(np.count_nonzero(directions))
    if directed:
        # The sign turns a column of the drawn rows back, so that the common part is common to what looks member-like.
        values *= np.where(directions < 0, -1.0, 1.0)
        values[suspect] += directions * shift_of_auc(auc) * math.sqrt(common + (1.0 - common) / directed)
    return Rows(values, suspect, names, tuple(columns))


def text_alone_rows(groups: int, rng: np.random.Generator) -> Rows:
    """Rows [2 groups, columns] in the shape of the text guards, of texts that do not differ: independent noise."""
    suspect, names = _sides(groups)
    columns = [Column(prop.name, prop.family, 0) for prop in PROPERTIES]
    for ngrams in NGRAMS:
        columns += [Column(f"{ngrams.name}-{k + 1}", ngrams.name, 0) for k in range(latent_components(2 * groups))]
    return Rows(rng.standard_normal((2 * groups, len(columns))), suspect, names, tuple(columns))


def _sides(groups: int) -> tuple[Bools, tuple[str, ...]]:
    return np.arange(2 * groups) < groups, tuple(f"group-{number}" for number in range(2 * groups))
