"""The two ways to a detection: the features of a checkpoint, and the change of the loss since the origin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from auditor.core.answers import AnswerCache
from auditor.forgetting.detection import detect, detect_placebo
from auditor.inference.arrangement import arrange
from auditor.inference.separability import separability
from auditor.membership.guards.case import TextBaseline
from auditor.membership.sides import Overlap
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.series import Detection
from auditor.results.policy import Policy
from auditor.results.rows import Column, FeatureTable, Numerics, Rows

pytestmark = pytest.mark.long

GROUPS = 60
POLICY = Policy(alpha=0.02)
COLUMNS = (Column("bits-per-byte", "loss", -1), Column("min-k", "tails", 1))
TEXT = tuple(Column(f"words-{number + 1}", "words", 0) for number in range(6))
SUSPECT = np.repeat([True, False], GROUPS)
ROLES = ("suspect", "heldout", "placebo")


def series(
    *,
    gains: tuple[float, ...] = (0.0, 0.0),
    drift: float = 0.0,
    placebo: float = 0.0,
    shift: float = 0.0,
    seed: int = 0,
) -> tuple[SeriesMeasurements, TextBaseline]:
    """Losses that differ far between documents and little between checkpoints, as those of real texts do.

    Args:
        gains: How far the loss of the suspect set fell since the origin at each checkpoint, in spreads of a change.
        drift: By how much the change of a document follows its first text column.
        placebo: As the last of `gains`, for the placebo set.
        shift: How far the first text column of the suspect set lies from the other, in its spreads.
        seed: Of the draws.
    """
    rng = np.random.default_rng(seed)
    text = rng.normal(size=(3, GROUPS, len(TEXT)))
    text[0, :, 0] += shift
    origin = 2 + 0.5 * rng.normal(size=(3, GROUPS))
    points, tables = [], dict[str, list[FeatureTable]]({role: [] for role in ROLES})
    for index, gain in enumerate(gains):
        points.append(SimpleNamespace(name=f"c{index}", numerics=Numerics(8, 1e-6, 1e-5, 16, 0)))
        for number, role in enumerate(ROLES):
            change = 0.02 * rng.normal(size=GROUPS) * bool(index) + 0.02 * drift * bool(index) * text[number, :, 0]
            change += 0.02 * (gain if role == "suspect" else placebo * bool(index) if role == "placebo" else 0.0)
            loss = origin[number] - change
            values = np.column_stack([loss, 1.0 - loss + 0.1 * rng.normal(size=GROUPS)])
            tables[role].append(FeatureTable(columns=COLUMNS, values=values))
    names = {role: tuple(f"{role}-{number}" for number in range(GROUPS)) for role in ROLES}
    sets = {
        role: SimpleNamespace(
            ids=names[role], groups=names[role], truncated=(0,) * len(gains), features=tuple(tables[role])
        )
        for role in ROLES
    }
    rows = Rows(np.vstack(text[:2]), SUSPECT, (*names["suspect"], *names["heldout"]), TEXT)
    named = [(bool(side), name, name) for side, name in zip(SUSPECT, rows.groups, strict=True)]
    arrangement = arrange(rows, named)
    alone = separability(arrangement.apply(rows), rng=rng, alpha=POLICY.blind_alpha, permutations=99, bootstraps=20)
    baseline = TextBaseline(
        (GROUPS, GROUPS), NOTHING_SHARED, arrangement, arrangement.apply(rows), alone, 499, POLICY, seed
    )
    measurements = SimpleNamespace(checkpoints=tuple(points), sets=sets, names=tuple(p.name for p in points))
    return cast(SeriesMeasurements, measurements), baseline


NOTHING_SHARED = Overlap((), False, (GROUPS, GROUPS), ())


def last(**given: Any) -> Detection:
    measurements, baseline = series(**given)
    detections = detect(measurements, baseline, answers=AnswerCache(), required_auc=0.55)
    return detections[measurements.names[-1]]


def test_a_change_that_the_features_hide_is_detected_by_itself() -> None:
    detection = last(gains=(0.0, 1.0))
    assert detection.change is not None
    assert detection.p_value > 0.05
    assert detection.p_decisive == detection.change.p_adjusted <= POLICY.alpha
    assert (detection.change.detected, detection.detected) == (True, True)


def test_the_origin_has_no_change() -> None:
    measurements, baseline = series()
    assert detect(measurements, baseline, answers=AnswerCache(), required_auc=0.55)["c0"].change is None


@pytest.mark.parametrize("gain", [0.0, -1.0])
def test_no_change_and_one_away_from_training_are_none(gain: float) -> None:
    assert not last(gains=(0.0, gain)).detected


def test_a_change_below_the_required_effect_is_none() -> None:
    measurements, baseline = series(gains=(0.0, 1.0))
    detection = detect(measurements, baseline, answers=AnswerCache(), required_auc=0.95)["c1"]
    assert detection.change is not None
    assert detection.change.p_adjusted <= POLICY.alpha
    assert not detection.detected


def test_a_drift_that_follows_the_text_is_seldom_one() -> None:
    """The sets differ in a text column, and the model drifts along that column: six series."""
    changed = [last(gains=(0.0, 0.0), drift=2.0, shift=0.6, seed=seed).change for seed in range(6)]
    assert sum(change is not None and change.p_value <= 0.01 for change in changed) >= 3
    assert sum(change is not None and change.p_beyond <= 0.05 for change in changed) <= 1


def test_a_refused_checkpoint_has_no_detection_either_way() -> None:
    measurements, baseline = series(gains=(0.0, 1.0))
    assert not detect(measurements, baseline, answers=AnswerCache(), required_auc=0.55, refused=["c1"])["c1"].detected


def test_every_change_costs_its_share_of_the_correction() -> None:
    measurements, baseline = series(gains=(0.0, 1.0, 1.0))
    detections = detect(measurements, baseline, answers=AnswerCache(), required_auc=0.55)
    smallest = min(p for d in detections.values() for p in (d.p_value, d.change.p_value if d.change else 1.0))
    assert min(d.p_decisive for d in detections.values()) == pytest.approx(5 * smallest)


def test_a_placebo_that_moves_too_stands_out() -> None:
    measurements, baseline = series(gains=(0.0, 1.0), placebo=1.0)
    assert detect_placebo(measurements, baseline)["c1"] <= 0.01
    measurements, baseline = series(gains=(0.0, 1.0))
    assert detect_placebo(measurements, baseline)["c1"] > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("drift", [0.0, 2.0])
def test_nothing_learned_is_seldom_detected(drift: float) -> None:
    """Of 200 series without training, at a level of 0.02 for both ways together, at most 4 + 3 standard errors."""
    detected = sum(last(drift=drift, seed=seed).detected for seed in range(200))
    assert detected <= 4 + 3 * np.sqrt(200 * 0.02 * 0.98)
