"""From scores and coins to p-values, what they pay, and the verdict."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import pytest
from support.dealt import fake_scores, inputs, make_plan, result

from auditor.core.errors import UsageError
from auditor.dealt.conclude import conclude_dealt, dealt_inputs_of
from auditor.dealt.open import open_plan
from auditor.dealt.statistics import DealtScores, committed_test
from auditor.inference.spending import checkpoint_level
from auditor.provenance.deal import deal, tie_order
from auditor.provenance.draws import Draws
from auditor.results.dealt.coins import StampFacts
from auditor.results.dealt.result import DealtResult

DESIGNS = ("canaries", "choice", "order", "twins", "holdout")
UNITS = {"twins": 400, "holdout": 120}


@pytest.mark.parametrize("design", DESIGNS)
def test_what_a_model_prefers_is_evidence_and_what_it_does_not_is_none(design: str, tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", design, units=UNITS.get(design, 200), public=True, beacon=False)
    found, nothing = result(plan, effect=40.0, references=1), result(plan, references=1)
    assert (found.verdict.outcome, found.verdict.reason) == ("EVIDENCE", "separated")
    assert found.p_paid <= found.level < nothing.p_paid
    assert found.verdict.grade == "controlled"
    assert nothing.verdict.outcome != "EVIDENCE"
    assert found.target is not None
    assert found.target.test.share > 0.9
    assert (found.target.engine is not None) == (design == "holdout")


def test_a_result_is_concluded_again_to_the_last_bit(tmp_path: Path) -> None:
    for design in DESIGNS:
        plan = make_plan(tmp_path / design, design, units=40)
        made = result(plan, effect=5.0, references=1, reveal=True, sequential=design not in ("holdout",))
        again = conclude_dealt(dealt_inputs_of(DealtResult.model_validate_json(made.model_dump_json())))
        assert again == made
        assert again.content_sha256 == made.content_sha256


def test_the_p_value_counts_deals_that_are_at_least_as_clear(tmp_path: Path) -> None:
    """All deals of three units with two decoys each."""
    made = result(make_plan(tmp_path / "plan", units=3, decoys=2))
    ranks = [unit.rank or 0 for unit in made.units]
    sums = [sum(each) for each in product(range(3), repeat=3)]
    assert made.p_value == pytest.approx(np.mean([one >= sum(ranks) for one in sums]))


def test_a_hold_out_pays_for_its_two_statistics(tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan", "holdout", units=12), effect=100.0)
    assert made.target is not None
    assert made.target.engine is not None
    assert made.target.test.p_value == pytest.approx(1 / comb(12, 6))
    assert made.p_value == pytest.approx(2 * min(made.target.test.p_value, made.target.engine.p_value))


@pytest.mark.parametrize(
    ("beacon", "stamped", "public", "grade", "bits", "letter"),
    [
        (False, None, False, "owner-alone", 40, "B"),
        (False, "2023-01-01T00:00:00+00:00", False, "owner-stamped", 40, "A"),
        (True, "2023-01-01T00:00:00+00:00", False, "beacon-stamped", 20, "A"),
        (True, "2023-01-01T00:00:00+00:00", True, "beacon-public", 0, "A"),
        (True, None, True, "owner-alone", 40, "B"),
    ],
)
def test_the_p_value_pays_for_who_made_the_coins(
    beacon: bool, stamped: str | None, public: bool, grade: str, bits: int, letter: str, tmp_path: Path, unsigned: None
) -> None:
    given = inputs(
        make_plan(tmp_path / "plan", units=60, beacon=beacon, public=public),
        lambda opened: fake_scores(opened, effect=100.0),
    )
    stamp = None if stamped is None else StampFacts(time=stamped, authority="CN=TSA", checked="verified")
    coins = given.measurements.coins.model_copy(update={"stamp": stamp})
    measurements = given.measurements.model_copy(update={"coins": coins})
    made = conclude_dealt(replace(given, measurements=measurements))
    assert (made.coins.grade, made.coins.bits) == (grade, bits)
    assert made.p_paid == min(1.0, made.p_value * 2.0**bits)
    assert made.verdict.outcome == "EVIDENCE"
    assert made.verdict.validity_class == letter
    assert made.verdict.headline == ("EVIDENCE" if letter == "A" else "EVIDENCE (no control)")
    assert made.coins.sentence in made.verdict.validity
    assert "nobody could foresee" not in made.verdict.validity
    assert ("from public randomness, which came after" in made.verdict.validity) == grade.startswith("beacon")
    assert any("Anybody can make a root of his own" in one for one in made.limitations) == (stamped is not None)


def test_a_time_stamp_that_was_not_verified_counts_nothing(tmp_path: Path) -> None:
    given = inputs(make_plan(tmp_path / "plan"))
    stamp = StampFacts(time="2023-01-01T00:00:00+00:00", authority="", checked="not verified here")
    coins = given.measurements.coins.model_copy(update={"stamp": stamp})
    made = conclude_dealt(replace(given, measurements=given.measurements.model_copy(update={"coins": coins})))
    assert made.coins.grade == "owner-alone"


def test_no_evidence_needs_units_that_would_have_shown_it(tmp_path: Path) -> None:
    few, many = (result(make_plan(tmp_path / str(units), units=units, decoys=19)) for units in (60, 300))
    assert (few.verdict.outcome, few.verdict.reason) == ("INCONCLUSIVE", "underpowered")
    assert (many.verdict.outcome, many.verdict.reason) == ("NO EVIDENCE", "not-separated")
    assert many.detectable_auc is not None
    assert few.detectable_auc is not None
    assert many.detectable_auc < 0.65 < few.detectable_auc


def test_the_reference_is_subtracted_only_where_the_commitment_says_so(tmp_path: Path) -> None:
    for reference in (True, False):
        plan = make_plan(tmp_path / str(reference), units=20, decoys=4, reference=reference, key=b"k" * 32)
        made = result(plan, references=1)
        scores, unit = made.measurements.scores, made.measurements.units[0]
        row = scores["target"][0] - (scores["base-0"][0] if reference else 0)
        assert made.units[0].rank == int((row < row[unit.published]).sum())


def test_a_later_model_has_a_share_of_the_level(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan")
    assert result(plan).level == 0.01
    assert result(plan, look=2).level == checkpoint_level(2, 0.01)


def test_a_sequential_test_stops_early_and_pays_twofold(tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan", units=120, decoys=9), effect=100.0, sequential=True)
    assert made.sequential is not None
    assert made.attempts == 2
    assert made.sequential.p_value == made.p_value
    assert made.sequential.stopped is not None
    assert made.sequential.stopped < 120
    assert made.p_paid == made.p_value * 2**41
    assert made.verdict.outcome == "EVIDENCE"


def test_units_without_a_score_are_left_out_whatever_their_coins(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", units=60)
    made = conclude_dealt(inputs(plan, lambda opened: fake_scores(opened, missing=3)))
    assert made.units_scored == 57
    assert [unit.rank is None for unit in made.units[:4]] == [True, True, True, False]


@pytest.mark.parametrize("design", DESIGNS)
def test_coins_that_are_dealt_again_reject_no_more_than_the_level(design: str, tmp_path: Path) -> None:
    """Fixed scores with ties under 500 keys: at 10 %, within three standard errors."""
    opened = open_plan(str(make_plan(tmp_path / "plan", design, units=8, decoys=4).path), 1)
    scores = np.random.default_rng(3).normal(size=(8, opened.commitment.candidates)).round(0)
    deals, rejected = 500, 0
    for number in range(deals):
        draws = Draws(number.to_bytes(32, "big"))
        dealt = DealtScores(
            design,
            scores,
            np.array(deal(opened.commitment, opened.units, draws)),
            np.array(tie_order(draws, opened.units)),
            np.array(draws.shuffled("order", "batch 1", 8)),
            opened.facts,
        )
        rejected += committed_test(dealt).p_value <= 0.1
    assert rejected / deals <= 0.1 + 3 * (0.1 * 0.9 / deals) ** 0.5


def test_measurements_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    given = inputs(make_plan(tmp_path / "plan"))
    wrong = given.measurements.model_copy(update={"unit_order": given.measurements.unit_order[1:]})
    with pytest.raises(UsageError, match="fit together"):
        conclude_dealt(replace(given, measurements=wrong))


def test_nobody_can_try_seeds(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", "holdout", units=40)
    first, second = (result(plan, effect=5.0, seed=seed) for seed in (0, 1))
    assert first.target == second.target
