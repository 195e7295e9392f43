"""The committed test of a design, from scores, coins and draws to p-values."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from auditor.core.seeds import stream
from auditor.dealt.settings import PlanTestSettings
from auditor.features.table import drop_sparse
from auditor.inference.betting import anytime_p_values, betting_process, rank_gains, twin_gains
from auditor.inference.design import Bools, Floats, Ints
from auditor.inference.rank_sum import two_sample_rank_test
from auditor.inference.separability import separability
from auditor.inference.signed_rank import signed_rank_test
from auditor.inference.unit_ranks import published_rank, rank_sum_test
from auditor.results.dealt.measurements import UnitFacts
from auditor.results.dealt.ranks import RankTest
from auditor.results.dealt.result import Attempt
from auditor.results.policy import Policy
from auditor.results.rows import FeatureTable, Rows
from auditor.results.separability import Separability

ENGINE_AND_RANKS = 2
"""Statistics of a dealt hold-out, each of which is paid for."""


@dataclass(frozen=True, slots=True)
class DealtScores:
    """The units that have scores, with their coins.

    Attributes:
        design: How the coins were dealt.
        scores: [units, candidates] higher is more familiar; no NaN.
        published: [units] index of the published candidate; of a hold-out 1 or 0.
        ties: [units, candidates] numbers that order equal scores of a unit.
        order: [units] numbers that order units.
        units: What is known of each.
    """

    design: str
    scores: Floats
    published: Ints
    ties: Ints
    order: Ints
    units: tuple[UnitFacts, ...]

    @property
    def ranks(self) -> Ints:
        """[units] candidates that score below the published one."""
        return np.array(
            [published_rank(*unit) for unit in zip(self.scores, self.published.tolist(), self.ties, strict=True)],
            dtype=np.int64,
        )

    @property
    def decoys(self) -> int:
        """Candidates that the published one of a unit is compared with."""
        return int(self.scores.shape[1]) - 1

    @property
    def differences(self) -> Floats:
        """[units] score of the published version less that of the withheld one."""
        rows = np.arange(len(self.scores))
        difference: Floats = self.scores[rows, self.published] - self.scores[rows, 1 - self.published]
        return difference

    @property
    def signs_of_zero(self) -> Bools:
        """[units] fair draws: whether a difference of zero counts as positive."""
        rows = np.arange(len(self.ties))
        signs: Bools = self.ties[rows, self.published] > self.ties[rows, 1 - self.published]
        return signs

    @property
    def sides(self) -> Bools:
        """[units] whether a document of a hold-out was published."""
        return np.asarray(self.published == 1, dtype=np.bool_)


def committed_test(scores: DealtScores) -> RankTest:
    """The rank test that the commitment names; null, unit and assumption are those of the test of the design."""
    if scores.design == "holdout":
        return two_sample_rank_test(scores.scores[:, 0], scores.sides, tie_order=scores.order)
    if scores.design == "twins":
        return signed_rank_test(scores.differences, scores.order, scores.signs_of_zero)
    return rank_sum_test(scores.ranks, scores.decoys)


def opposite_p(scores: DealtScores) -> float:
    """p-value of the committed rank test against the other side: that withheld candidates score higher."""
    return committed_test(replace(scores, scores=-scores.scores)).p_value


def attempt(
    scores: DealtScores, features: FeatureTable | None, settings: PlanTestSettings, alpha: float, purpose: str
) -> Attempt:
    """The test under one model.

    Of a dealt hold-out the engine runs on all features as well, under random deals of as many documents. Both null
    hypotheses are that the coins did not matter, and twice the smaller p-value is valid for both together.

    Args:
        scores: The committed scores.
        features: Of the same documents; None of other designs.
        settings: Permutations and power.
        alpha: Level at which the engine states what it would detect.
        purpose: Names the random stream.
    """
    test = committed_test(scores)
    if features is None:
        return Attempt(test=test, engine=None, p_combined=test.p_value)
    engine = _engine(scores, features, settings, alpha, purpose)
    smaller = test.p_value if engine is None else min(test.p_value, engine.p_value)
    return Attempt(test=test, engine=engine, p_combined=min(1.0, ENGINE_AND_RANKS * smaller))


def _engine(
    scores: DealtScores, features: FeatureTable, settings: PlanTestSettings, alpha: float, purpose: str
) -> Separability | None:
    """None where too few documents were published or withheld, or no feature has values.

    Its random deals follow from the draws of the plan: nobody can try seeds.
    """
    sides = scores.sides
    missing = np.isnan(features.values).mean(axis=0) if features.values.size else np.empty(0)
    if min(sides.sum(), (~sides).sum()) < 2 or not np.any(missing <= Policy().most_missing):
        return None
    rows = Rows(features.values, sides, tuple(unit.id for unit in scores.units), features.columns)
    return separability(
        drop_sparse(rows, Policy().most_missing),
        rng=stream(0, f"{purpose} {hashlib.sha256(scores.order.astype('<i8').tobytes()).hexdigest()}"),
        alpha=max(alpha, 1 / (settings.permutations + 1)),
        permutations=settings.permutations,
        power=settings.policy.power,
    )


def bet(scores: DealtScores) -> tuple[Floats, Floats]:
    """Logarithm of the wealth, and the p-value valid at any time, after each unit in the order of the draws.

    Null, unit and assumption are those of `betting_process`.
    """
    turn = np.argsort(scores.order)
    if scores.design == "twins":
        gains = twin_gains(scores.differences[turn])
    else:
        gains = rank_gains(scores.ranks[turn], scores.decoys)
    wealth = betting_process(gains)
    return wealth, anytime_p_values(wealth)


def split_by_unit(tables: Mapping[str, FeatureTable], rows: Bools) -> dict[str, FeatureTable]:
    """Tables of the units that have scores."""
    return {
        label: FeatureTable(columns=table.columns, values=np.ascontiguousarray(table.values[rows]))
        for label, table in tables.items()
    }
