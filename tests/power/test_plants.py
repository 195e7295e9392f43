"""Plans of dealt material: the planned units have the power, and no plan promises a p-value that it cannot give."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner

from auditor.cli.commands.power import command
from auditor.core.errors import UsageError
from auditor.inference.dealt_power import (
    PlantEffect,
    can_reach,
    holdout_units,
    log2_smallest_holdout_p,
    log2_smallest_rank_p,
    rank_sum_units,
    signed_rank_units,
)
from auditor.inference.rank_sum import two_sample_rank_test
from auditor.inference.signed_rank import signed_rank_test
from auditor.inference.surcharge import paid_p
from auditor.inference.unit_ranks import rank_sum_test
from auditor.power.plants import STRONGEST, WEAKEST, effect_of_copies, fewest_units, plan_power
from auditor.power.plants_text import plan_text

OWNER_ALONE = math.ldexp(0.01, -40)


@pytest.mark.parametrize(
    ("auc", "decoys", "level", "known"),
    [(0.6, 19, 0.01, 100), (0.7, 19, 0.01, 25), (0.8, 1, 0.01, 30), (0.7, 19, OWNER_ALONE, 160)],
)
def test_units_of_canaries_are_those_of_the_published_table(auc: float, decoys: int, level: float, known: int) -> None:
    units = rank_sum_units(PlantEffect(auc), decoys, level=level, power=0.8)
    assert units is not None
    assert 0.85 * known <= units <= 1.1 * known


def test_loss_of_plants_costs_the_square_of_what_survives() -> None:
    whole, half = (rank_sum_units(PlantEffect(0.7, survival), 19, level=0.01, power=0.8) for survival in (1.0, 0.5))
    assert whole is not None
    assert half is not None
    assert half / whole == pytest.approx(4, rel=0.1)


def rate(hits: list[bool]) -> float:
    return float(np.mean(hits))


@pytest.mark.simulation
@pytest.mark.parametrize("survival", [1.0, 0.6])
def test_planned_canaries_have_the_power(survival: float) -> None:
    effect = PlantEffect(0.8, survival)
    units = rank_sum_units(effect, 9, level=1e-4, power=0.8)
    assert units is not None
    rng = np.random.default_rng(1)
    scores = rng.standard_normal((250, units, 10))
    scores[:, :, 0] += effect.shift * (rng.random((250, units)) < survival)
    ranks = (scores[:, :, 1:] < scores[:, :, :1]).sum(axis=2)
    assert rate([rank_sum_test(row, 9).p_value <= 1e-4 for row in ranks]) == pytest.approx(0.8, abs=0.08)


@pytest.mark.simulation
@pytest.mark.parametrize(("auc", "level"), [(0.8, 0.01), (0.65, 0.001), (0.85, 1e-8)])
def test_planned_twins_have_the_power(auc: float, level: float) -> None:
    effect, rng = PlantEffect(auc), np.random.default_rng(2)
    units = signed_rank_units(effect, level=level, power=0.8, rng=rng)
    assert units is not None
    drawn = rng.standard_normal((250, units)) + effect.shift / math.sqrt(2)
    order, signs = np.arange(units), np.zeros(units, dtype=bool)
    assert rate([signed_rank_test(row, order, signs).p_value <= level for row in drawn]) == pytest.approx(0.8, abs=0.08)


@pytest.mark.simulation
@pytest.mark.parametrize(("auc", "level"), [(0.85, 0.02), (0.9, 1e-7)])
def test_a_planned_hold_out_has_the_power(auc: float, level: float) -> None:
    effect, rng = PlantEffect(auc), np.random.default_rng(3)
    units = holdout_units(effect, 0.25, level=level, power=0.8, smallest_engine_p=1.0)
    assert units is not None
    published = np.arange(units) >= round(units / 4)
    drawn = rng.standard_normal((200, units)) + effect.shift * published
    found = [2 * two_sample_rank_test(row, published).p_value <= level for row in drawn]
    assert rate(found) == pytest.approx(0.8, abs=0.09)


def test_a_hold_out_takes_the_engine_where_its_p_values_are_small_enough() -> None:
    ranks, engine = (
        holdout_units(PlantEffect(0.6), 0.5, level=0.01, power=0.8, smallest_engine_p=p) for p in (0.1, 1e-4)
    )
    assert engine is not None
    assert ranks is not None
    assert engine < ranks
    assert engine == pytest.approx(2 * 184, abs=4)


def test_no_plan_is_made_for_next_to_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.inference.dealt_power.MOST", 10_000)
    assert rank_sum_units(PlantEffect(0.5001), 1, level=0.001, power=0.9) is None


def test_the_smallest_p_values_are_those_of_the_tests() -> None:
    assert rank_sum_test(np.full(3, 9), 9).p_value == pytest.approx(2.0 ** log2_smallest_rank_p(3, 9))
    positive = np.arange(1.0, 6.0)
    twins = signed_rank_test(positive, np.arange(5), np.zeros(5, dtype=bool))
    assert twins.p_value == pytest.approx(2.0 ** log2_smallest_rank_p(5, 1))
    best = two_sample_rank_test(np.arange(9.0), np.arange(9) >= 3).p_value
    assert 2 * best == pytest.approx(2.0 ** log2_smallest_holdout_p(6, 3, smallest_engine_p=1.0))
    assert log2_smallest_holdout_p(6, 3, smallest_engine_p=2.0**-20) == -19


@pytest.mark.parametrize("bits", [0, 20, 40])
@pytest.mark.parametrize("decoys", [1, 19])
def test_a_plan_reaches_its_level_exactly_where_its_best_outcome_does(bits: int, decoys: int) -> None:
    fewest = fewest_units("canaries", 0.01, bits, decoys=decoys, withheld_share=0.2)
    for units, reaches in ((fewest, True), (fewest - 1, False)):
        assert can_reach(log2_smallest_rank_p(units, decoys), 0.01, bits) is reaches
        if units:
            assert (paid_p(rank_sum_test(np.full(units, decoys), decoys).p_value, bits) <= 0.01) is reaches


def test_more_copies_are_a_larger_effect_that_is_never_extrapolated() -> None:
    assert effect_of_copies(1, WEAKEST) == WEAKEST[0]
    assert WEAKEST[3] < effect_of_copies(5, WEAKEST) < WEAKEST[4]
    assert effect_of_copies(500, STRONGEST) == STRONGEST[-1]


def test_the_units_of_the_weakest_model_are_the_plan() -> None:
    plan = plan_power("canaries", None, copies=4, coins="stamped")
    assert (plan.effect, plan.effect_from) == (WEAKEST[3], "--copies")
    assert plan.units is not None
    assert plan.units_strongest is not None
    assert plan.units_strongest < plan.units
    assert plan.documents == 4 * plan.units
    assert [entry.units for entry in plan.by_coins if entry.coins == "stamped"] == [plan.units]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"design": "twins", "effect": None}, "needs an effect"),
        ({"design": "order", "effect": 0.7, "copies": 2}, "--copies"),
        ({"design": "canaries", "effect": 0.7, "survival": 0.0}, "--survival"),
    ],
)
def test_what_cannot_be_planned_is_refused(asked: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan_power(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--design", "canaries", "--copies", "4", "--survival", "0.5"], ["Canaries for 80%", "50% of the plants"]),
        (["--design", "twins", "--effect", "0.8"], ["Documents with two versions", "signed-rank"]),
        (["--design", "holdout", "--effect", "0.9", "--audits", "2"], ["withheld together", "0.005 = 0.01 / 2"]),
        (["--design", "order", "--effect", "0.9", "--decoys", "9"], ["Blocks of rows", "9 decoys"]),
    ],
)
def test_the_command_prints_a_plan_as_text_and_as_json(arguments: list[str], words: list[str]) -> None:
    text, data = (CliRunner().invoke(command, [*arguments, *more]) for more in ([], ["--json"]))
    assert (text.exit_code, data.exit_code) == (0, 0)
    assert all(word in " ".join(text.output.split()) for word in words)
    assert max(map(len, text.output.splitlines())) <= 100
    plan = json.loads(data.output)
    assert f"{plan['units']:,}" in text.output
    assert plan["assumptions"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--effect", "0.6", "--decoys", "4"], "--decoys has no meaning without --design"),
        (["--effect", "0.6", "--coins", "alone"], "--coins has no meaning without --design"),
        (["--design", "twins", "--effect", "0.6", "--decoys", "4"], "--decoys has no meaning with --design twins"),
        (["--design", "twins", "--effect", "0.6", "--with-reference"], "--with-reference has no meaning"),
        (["--design", "canaries", "--effect", "0.6", "--share", "0.3"], "--share has no meaning"),
    ],
)
def test_options_of_another_kind_of_plan_are_refused(arguments: list[str], message: str) -> None:
    answer = CliRunner().invoke(command, arguments)
    assert isinstance(answer.exception, UsageError)
    assert message in str(answer.exception)


def test_the_text_says_where_no_plan_is_large_enough() -> None:
    plan = plan_power("canaries", 0.9).model_copy(update={"units": None, "documents": None})
    by_coins = tuple(entry.model_copy(update={"units": None}) for entry in plan.by_coins)
    assert "more than 1,000,000" in plan_text(plan.model_copy(update={"by_coins": by_coins}))
