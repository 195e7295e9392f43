"""A plan is right about power, says what it assumes, and never looks at a pilot's p-value."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from auditor.cli.commands.power import command
from auditor.core.errors import UsageError
from auditor.inference.power import detectable_auc
from auditor.inference.separability import separability
from auditor.membership.guards.guard import guard_alphas
from auditor.power.critical_value import (
    auc_detected_with,
    groups_a_side,
    power_with,
    rescale_level,
    simulated_critical_value,
)
from auditor.power.pilot import Pilot, pilot_critical_value, pilot_of, pilot_widening
from auditor.power.rows import feature_rows, planned_columns
from auditor.power.sample_size import PowerAnalysis, analyse_power
from auditor.power.text import power_text
from auditor.results.guards import GuardResult
from auditor.results.policy import Policy
from auditor.results.result import AuditResult, Thresholds
from auditor.results.rows import Column
from auditor.results.separability import Separability

pytestmark = pytest.mark.long

COLUMNS = planned_columns("default", reference=False)
POLICY = Policy()


def engine(groups: int, auc: float, seed: int, *, permutations: int = 499, **asked: Any) -> Separability:
    rng = np.random.default_rng([seed, groups])
    rows = feature_rows(COLUMNS, groups, auc, 0.3, rng)
    asked = {"alpha": POLICY.alpha, "bootstraps": 2} | asked
    return separability(rows, rng=rng, permutations=permutations, **asked)


def result_of(membership: Separability, *guards: GuardResult) -> AuditResult:
    """As much of a result as a plan reads."""
    thresholds = Thresholds(**POLICY.model_dump(), guard_alphas=guard_alphas(POLICY))
    return AuditResult.model_construct(membership=membership, guards=guards, thresholds=thresholds)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def plan() -> PowerAnalysis:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.power.evidence.AUDITS", 12)
        return analyse_power(0.7, policy=POLICY)


@pytest.fixture
def _without_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the simulation of the excess guard, most of a plan's time, where it is not asked about."""
    monkeypatch.setattr("auditor.power.sample_size.evidence_multiple", lambda *_, **__: 1.5)


@given(
    auc=st.floats(0.51, 0.95),
    critical=st.floats(1.5, 5.0),
    power=st.floats(0.55, 0.99),
    widening=st.floats(1.0, 2.0),
)
def test_the_groups_are_the_fewest_that_see_the_effect(
    auc: float, critical: float, power: float, widening: float
) -> None:
    groups = groups_a_side(auc, critical=critical, power=power, widening=widening)
    assert groups is not None
    seen = auc_detected_with(groups, critical=critical, power=power, widening=widening)
    assert seen is not None
    assert seen <= auc + 1e-9
    assert power_with(groups, auc, critical=critical, widening=widening) >= power - 1e-9
    if groups > 2:
        fewer = auc_detected_with(groups - 1, critical=critical, power=power, widening=widening)
        assert fewer is None or fewer > auc - 1e-9


def test_no_audit_is_planned_for_an_effect_of_next_to_nothing() -> None:
    assert groups_a_side(0.5 + 1e-6, critical=3.0, power=0.8) is None
    with pytest.raises(ValueError, match="AUC between"):
        groups_a_side(0.5, critical=3.0, power=0.8)


def test_the_formula_is_that_of_the_verdict() -> None:
    found = engine(150, 0.5, 3, permutations=4999)
    mine = auc_detected_with(150, critical=found.critical_z, power=0.8)
    assert mine == pytest.approx(found.detectable_auc, abs=0.003)
    whole = detectable_auc(critical=3.0, power=0.8, mean=0.0, spread=(2 * 150 - 1) ** -0.5, share=0.5)
    assert auc_detected_with(150, critical=3.0, power=0.8) == whole


def test_the_bar_of_several_statistics_is_above_that_of_one_and_below_bonferroni() -> None:
    rng = np.random.default_rng(5)
    bar = simulated_critical_value(COLUMNS, 60, alpha=0.01, permutations=4999, rng=rng)
    statistics = 2 + len({column.family for column in COLUMNS})
    assert rescale_level(bar.z, 0.01, 0.01) == pytest.approx(bar.z)
    assert 2.33 + 3 * bar.error < bar.z
    # A family without a direction has a slightly heavier tail than a normal statistic.
    assert bar.z < 1.05 * rescale_level(2.3263, 0.01, 0.01 / statistics)
    single = simulated_critical_value((Column("one", "one", 1),), 60, alpha=0.01, permutations=4999, rng=rng)
    assert single.z < bar.z


def test_a_bar_is_carried_to_another_level() -> None:
    levels = (0.05, 0.01, 0.002)
    bars = [
        simulated_critical_value(COLUMNS, 60, alpha=at, permutations=9999, rng=np.random.default_rng(6))
        for at in levels
    ]
    for level, bar in zip(levels, bars, strict=True):
        assert rescale_level(bars[1].z, 0.01, level) == pytest.approx(bar.z, abs=4 * bar.error + 0.03)


@pytest.mark.simulation
def test_the_planned_size_has_the_power_asked_for(plan: PowerAnalysis) -> None:
    assert plan.test is not None
    audits = 100
    found = sum(engine(plan.test, 0.7, seed).p_value <= POLICY.alpha for seed in range(audits))
    least = POLICY.power * audits
    assert found >= least - 3 * np.sqrt(least * (1 - POLICY.power))
    few = sum(engine(plan.test // 3, 0.7, seed).p_value <= POLICY.alpha for seed in range(40))
    assert few < 0.7 * 40


@pytest.mark.simulation
def test_no_evidence_can_be_said_with_the_groups_planned_for_it(plan: PowerAnalysis) -> None:
    assert plan.no_evidence is not None
    # The very bar of an audit is drawn anew: the plan leaves room for two standard errors of it.
    seen = [engine(plan.no_evidence, 0.5, seed, permutations=9999).detectable_auc for seed in range(6)]
    assert all(auc is not None and auc <= plan.required_auc for auc in seen)
    fewer = [engine(int(0.85 * plan.no_evidence), 0.5, seed, permutations=9999).detectable_auc for seed in range(3)]
    assert all(auc is None or auc > plan.required_auc for auc in fewer)


@pytest.mark.simulation
@pytest.mark.long
def test_evidence_asks_for_more_than_the_test(plan: PowerAnalysis) -> None:
    assert plan.test is not None
    assert plan.evidence_correlated is not None
    assert plan.evidence_independent is not None
    assert plan.test <= plan.evidence_correlated < plan.evidence_independent


@pytest.mark.simulation
@pytest.mark.usefixtures("_without_guard")
def test_several_audits_and_weaker_effects_need_more() -> None:
    groups = [
        analyse_power(effect, policy=POLICY, audits=audits).test for effect, audits in ((0.8, 1), (0.8, 5), (0.7, 1))
    ]
    assert all(count is not None for count in groups)
    assert groups[0] < groups[1]  # type: ignore[operator]
    assert groups[0] < groups[2]  # type: ignore[operator]


@pytest.mark.simulation
def test_a_pilot_tells_its_effect_with_an_interval() -> None:
    effects = [pilot_of(result_of(engine(80, 0.65, seed))) for seed in range(60)]
    held = sum(pilot.effect_low <= 0.65 <= pilot.effect_high for pilot in effects)
    assert held >= 51  # 95 % of 60, less three standard errors
    assert np.mean([pilot.effect for pilot in effects]) == pytest.approx(0.65, abs=0.02)


@pytest.mark.usefixtures("_without_guard")
def test_a_pilot_hands_on_its_bar_and_its_spread() -> None:
    pilot = result_of(engine(60, 0.6, 1))
    assert pilot_critical_value(pilot, POLICY.alpha, 9999).z == pytest.approx(pilot.membership.critical_z)
    assert pilot_widening(pilot) == pytest.approx(1.0, abs=0.12)
    planned = analyse_power(0.6, policy=POLICY, pilot=pilot)
    assert planned.critical_z == pytest.approx(pilot.membership.critical_z)
    assert planned.critical_z_from == "the pilot"
    assert planned.columns == len(COLUMNS)


@pytest.mark.usefixtures("_without_guard")
def test_the_p_value_of_a_pilot_is_never_used() -> None:
    found = engine(60, 0.65, 2)
    plans = [
        analyse_power(None, policy=POLICY, pilot=result_of(found.model_copy(update={"p_value": p})))
        for p in (0.0001, 0.9)
    ]
    assert plans[0] == plans[1]
    assert plans[0].pilot is not None
    assert plans[0].test_range is not None
    assert plans[0].effect == plans[0].pilot.effect


def test_a_pilot_that_points_nowhere_gives_no_effect() -> None:
    found = engine(60, 0.5, 3).model_copy(update={"mean_z": -0.4})
    with pytest.raises(UsageError, match="point away"):
        analyse_power(None, policy=POLICY, pilot=result_of(found))
    with pytest.raises(UsageError, match="needs an effect"):
        analyse_power(None, policy=POLICY)


def test_a_level_that_the_permutations_cannot_reach_is_refused() -> None:
    with pytest.raises(UsageError, match="permutations cannot give"):
        analyse_power(0.6, policy=POLICY, audits=1000, permutations=999)


@pytest.mark.simulation
def test_the_text_states_what_the_figures_rest_on(plan: PowerAnalysis) -> None:
    said = power_text(plan)
    assert max(map(len, said.splitlines())) <= 100
    flat = " ".join(said.split())
    for part in (f"{plan.test:,}", "mean of the oriented features", "not the document", "same number", "excess guard"):
        assert part in flat


@pytest.mark.usefixtures("_without_guard")
def test_the_text_of_a_pilot_says_how_many_more_and_what_it_cannot_say() -> None:
    failed = GuardResult(name="blind", question="?", status="failed", reason="!", blind_spots="-")
    said = power_text(analyse_power(0.6, policy=POLICY, pilot=result_of(engine(40, 0.6, 4), failed)))
    flat = " ".join(said.split())
    assert "too large on average" in flat
    assert "held-out groups more" in flat
    assert "--audits 2" in flat
    assert "Guards failed in the pilot (blind)" in flat


def test_a_pilot_that_is_large_enough_for_the_test_is_told_what_evidence_lacks_first() -> None:
    """The bare test gives no verdict, so that its size alone is nothing to be content with."""
    pilot = Pilot(
        groups_suspect=200, groups_heldout=210, effect=0.65, effect_low=0.6, effect_high=0.7, failed_guards=()
    )
    planned = planned_for(pilot, test=150, evidence_correlated=220, evidence_independent=346, no_evidence=240)
    flat = " ".join(power_text(planned).split())
    assert (
        "What the pilot lacks: for EVIDENCE, 20 suspect and 10 held-out groups more where features share half their "
        "variance and 146 suspect and 136 held-out groups more where they are independent; for NO EVIDENCE, 40 suspect "
        "and 30 held-out groups more; for the test alone, which gives no verdict, nothing."
    ) in flat
    assert "second look" in flat
    enough = planned_for(pilot, test=50, evidence_correlated=90, evidence_independent=90, no_evidence=200)
    flat = " ".join(power_text(enough).split())
    assert "for EVIDENCE, nothing; for NO EVIDENCE, nothing; for the test alone" in flat
    assert "second look" not in flat
    beyond = planned_for(pilot, test=150, evidence_correlated=220, evidence_independent=None, no_evidence=None)
    assert "for NO EVIDENCE, over 600 groups a side in all" in " ".join(power_text(beyond).split())


def planned_for(pilot: Pilot, **groups: int | None) -> PowerAnalysis:
    """A plan of which only the groups matter."""
    figures: dict[str, Any] = {
        **{"effect": 0.65, "power": 0.8, "alpha": 0.01, "audits": 1, "level": 0.01, "required_auc": 0.6},
        **{
            "critical_z": 3.0,
            "critical_z_from": "the pilot",
            "columns": 14,
            "families": 7,
            "detectable_auc": None,
            "minimum_groups": 30,
        },
    }
    return PowerAnalysis(**figures, seed=0, pilot=pilot, **groups)


@pytest.mark.usefixtures("_without_guard")
def test_the_command_prints_the_plan_as_text_and_as_json() -> None:
    asked = ["--effect", "0.8", "--required-auc", "0.75"]
    text, data = (CliRunner().invoke(command, [*asked, *more]) for more in ([], ["--json"]))
    assert text.exit_code == data.exit_code == 0
    found = json.loads(data.stdout)
    assert found["assumptions"]
    # Below the minimum of the guards the minimum is what is needed.
    assert f"{max(found['test'], found['minimum_groups'])}  for the test" in text.stdout


def test_a_plan_imports_neither_torch_nor_sklearn() -> None:
    code = (
        "import sys; from auditor.cli.main import run; import auditor.power.evidence as guard; guard.AUDITS = 3;"
        "run(['power', '--effect', '0.9']);"
        "heavy = ('torch', 'transformers', 'sklearn', 'scipy.stats', 'matplotlib');"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.splitlines()[-1] == "[]"
