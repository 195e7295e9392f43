"""The table of units: how each published candidate stands among its rivals."""

from __future__ import annotations

import numpy as np

from auditor.dealt.case import DealtCase
from auditor.inference.design import Floats
from auditor.inference.unit_ranks import published_rank
from auditor.results.dealt.result import UnitResult


def unit_results(
    case: DealtCase, scores: Floats, candidates: tuple[tuple[str, ...], ...] | None
) -> tuple[UnitResult, ...]:
    """One row a unit, in the order of the commitment.

    Args:
        case: The case.
        scores: [units, candidates] the committed score.
        candidates: Texts of the candidates of each unit; None where they are not revealed.
    """
    holdout = case.commitment.design == "holdout"
    ranks = _ranks_of_documents(case, scores) if holdout else _ranks_of_candidates(case, scores)
    return tuple(
        UnitResult(
            id=unit.id,
            leaf=unit.leaf,
            published=unit.published,
            rank=ranks[index],
            rivals=case.n_scored - bool(case.scored[index]) if holdout else case.commitment.candidates - 1,
            margin=_margin(scores[index], unit.published) if case.scored[index] else None,
            candidates=None if candidates is None else candidates[index],
        )
        for index, unit in enumerate(case.measurements.units)
    )


def _ranks_of_candidates(case: DealtCase, scores: Floats) -> list[int | None]:
    return [
        published_rank(scores[index], unit.published, np.array(unit.tie_order)) if case.scored[index] else None
        for index, unit in enumerate(case.measurements.units)
    ]


def _ranks_of_documents(case: DealtCase, scores: Floats) -> list[int | None]:
    """Documents that score below each; of equal ones the order of the draws decides."""
    chosen = np.flatnonzero(case.scored)
    order = np.lexsort((np.array(case.measurements.unit_order)[chosen], scores[chosen, 0]))
    ranks: list[int | None] = [None] * len(scores)
    for rank, position in enumerate(order.tolist()):
        ranks[int(chosen[position])] = rank
    return ranks


def _margin(scores: Floats, published: int) -> float:
    if len(scores) == 1:
        return float(scores[0])
    return float(scores[published] - np.delete(scores, published).mean())
