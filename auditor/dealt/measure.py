"""From an opened batch and its scores to everything that the conclusions are drawn from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from auditor.core.digests import text_sha256
from auditor.core.errors import UsageError
from auditor.dealt.open import OpenedBatch
from auditor.inference.design import Floats
from auditor.results.dealt.measurements import CopyFacts, DealtMeasurements, NaturalFacts
from auditor.results.dealt.scores import CandidateScores, TextScores
from auditor.results.rows import FeatureTable


def measure_dealt(
    opened: OpenedBatch,
    scores: CandidateScores,
    *,
    other_models: int,
    copy_found: CopyFacts | None,
    sealed: bool,
    natural: NaturalFacts | None = None,
) -> DealtMeasurements:
    """Bring scores of texts into the order of units and candidates.

    Args:
        opened: The opened batch.
        scores: Scores of all its candidates.
        other_models: Models that the batch was opened for before.
        copy_found: What the published copy holds.
        sealed: Whether another party made the scores, without a coin.
        natural: What was found of a file order or identifiers; None of a plan.

    Raises:
        UsageError: A candidate was not scored.
    """
    number = {digest: index for index, digest in enumerate(scores.texts)}
    digests = [[text_sha256(text) for text in unit.candidates] for unit in opened.units]
    missing = sum(digest not in number for unit in digests for digest in unit)
    if missing:
        raise UsageError(
            f"the scores lack {missing:,} candidates of batch {opened.batch.id}",
            hint="They are of another batch or plan; have the candidates of this one scored.",
        )
    where = np.array([[number[digest] for digest in unit] for unit in digests], dtype=np.intp)
    mean = opened.commitment.test.score == "logprob-mean"
    holdout = opened.commitment.design == "holdout"
    return DealtMeasurements(
        units=opened.facts,
        unit_order=opened.unit_order,
        coins=opened.coins,
        scores={label: _committed_score(one, mean=mean)[where] for label, one in scores.scores.items()},
        alike=() if holdout else _alike(where, scores.token_ids),
        features={label: _rows(table, where[:, 0]) for label, table in scores.features.items()} if holdout else {},
        reasons=scores.reasons if holdout else {},
        numerics=scores.numerics,
        other_models=other_models,
        copy_found=copy_found,
        natural=natural,
        sealed_sha256=scores.content_sha256 if sealed else "",
    )


def unscored(
    opened: OpenedBatch,
    *,
    other_models: int = 0,
    copy_found: CopyFacts | None = None,
    natural: NaturalFacts | None = None,
) -> DealtMeasurements:
    """What is known before a model is scored; arguments as of `measure_dealt`."""
    return DealtMeasurements(
        units=opened.facts,
        unit_order=opened.unit_order,
        coins=opened.coins,
        scores={},
        alike=(),
        features={},
        reasons={},
        numerics={},
        other_models=other_models,
        copy_found=copy_found,
        natural=natural,
    )


def _committed_score(scores: TextScores, *, mean: bool) -> Floats:
    total, tokens = np.array(scores.logprob, dtype=np.float64), np.array(scores.tokens, dtype=np.float64)
    return np.divide(total, tokens, out=np.full_like(total, math.nan), where=tokens > 0) if mean else total


def _alike(where: np.ndarray, token_ids: Sequence[str]) -> tuple[int, ...]:
    """Numbers of the units of which two candidates have the same tokens."""
    return tuple(index for index, unit in enumerate(where) if len({token_ids[text] for text in unit}) < len(unit))


def _rows(table: FeatureTable, where: np.ndarray) -> FeatureTable:
    return FeatureTable(columns=table.columns, values=np.ascontiguousarray(table.values[where]))
