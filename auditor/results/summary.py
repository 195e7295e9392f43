"""The outcome of a gate, and the summary of a result for batches and outputs."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.record import Count, Record, Share
from auditor.core.text import amount
from auditor.results.dealt.checks import PlanCheck
from auditor.results.dealt.coins import CoinGradeName
from auditor.results.dealt.result import DealtResult, PlanSummary
from auditor.results.forgetting.states import STATES, Code
from auditor.results.guards import GuardResult
from auditor.results.passed_over import of_result
from auditor.results.result import AuditResult, BatchCorrection, ModelSummary, SettingChoice, Verdict
from auditor.results.separability import Interval


class GateOutcome(Record):
    """Whether a gate is passed."""

    passed: bool
    """Whether CI goes on."""

    reason: str
    """The verdict or state that decided, in a few words."""

    exit_code: int
    """0 where it passed; 3 where it failed for being undecided (an INCONCLUSIVE verdict, or a state that makes
    one); 1 where it failed for anything else."""


def evaluate_gate(result: AuditResult | DealtResult) -> GateOutcome:
    """Evaluate the gate of a result. The terminal, JSON, JUnit, Markdown and the exit code all show this."""
    series = result.forgetting if isinstance(result, AuditResult) else None
    last = None if series is None else series.checkpoints[-1].state
    outcome = result.verdict.outcome
    red: list[str] = [outcome] if outcome.lower() in result.gate.fail_on else []
    undecided = outcome == "INCONCLUSIVE"
    if last is not None and f"state {last.code}" in result.gate.fail_on:
        red.append(f"state {last.code}, {last.name}")
        # A state stands as it is where the correction over a batch has made its verdict inconclusive.
        undecided = undecided and STATES[last.code].outcome == "INCONCLUSIVE"
    if red:
        return GateOutcome(passed=False, reason="; ".join(red), exit_code=3 if undecided else 1)
    return GateOutcome(passed=True, reason=outcome, exit_code=0)


class Summary(Record):
    """The headline fields of a finished audit."""

    verdict: Verdict
    """After the correction for the other audits, if there are any."""

    gate_outcome: GateOutcome
    multiplicity: BatchCorrection | None
    """The correction; None where no p-value of the audit entered one."""

    auc: Share
    """Of the membership score; of a `forget`, at its last checkpoint."""

    auc_interval: Interval
    """Its interval."""

    groups_suspect: Count
    """Groups of the suspect side."""

    groups_heldout: Count
    """Of the held-out side."""

    left_out: str
    """Files and documents of both sides that were not compared, in words; empty where there are none."""

    alpha: Share
    """Level that the p-value is compared with."""

    state: Code | None
    """Letter of the last checkpoint's state; None of a `check`."""

    state_name: str | None
    """The same in words."""

    guards: tuple[GuardResult, ...]
    """Every guard."""

    suspect_sha256: str
    """Digest of the suspect documents."""

    heldout_sha256: str
    """Of the held-out ones."""

    models: tuple[ModelSummary, ...]
    """The models that were scored."""

    nondefault_settings: tuple[SettingChoice, ...]
    """Every setting that is not the default, thresholds first."""

    @property
    def compared(self) -> str:
        """The number of units of its test, in words."""
        return f"{self.groups_suspect:,} and {self.groups_heldout:,}"

    @property
    def digests(self) -> dict[str, str]:
        """Digests of everything that was audited, by name."""
        return {
            "suspect-sha256": self.suspect_sha256,
            "heldout-sha256": self.heldout_sha256,
            **_model_digests(self.models),
        }


class PlanTestSummary(Record):
    """The headline fields of a finished test of a plan."""

    verdict: Verdict
    """After the correction for the other audits, if there are any."""

    gate_outcome: GateOutcome
    multiplicity: BatchCorrection | None
    """The correction; None outside a batch."""

    auc: Share | None
    """Share of comparisons in which published text scores above withheld text; None where too little was scored."""

    auc_interval: Interval | None
    """Its interval."""

    alpha: Share
    """Level that the paid p-value is compared with."""

    plan: PlanSummary
    """What was committed to."""

    coins: CoinGradeName
    """Who made the coins."""

    bits: Count
    """g: the p-value is multiplied by 2^g."""

    p_value: Share
    """Of the test, before anything is paid."""

    p_paid: Share
    """After everything is paid, before the correction."""

    units_scored: Count
    checks: tuple[PlanCheck, ...]
    """Every check."""

    models: tuple[ModelSummary, ...]
    """The models that were scored."""

    nondefault_settings: tuple[SettingChoice, ...]
    """Every setting that is not the default, thresholds first."""

    @property
    def state(self) -> Code | None:
        """None: no checkpoints are compared."""
        return None

    @property
    def state_name(self) -> str | None:
        """None, as `state`."""
        return None

    @property
    def left_out(self) -> str:
        """Empty: a check refuses a test that leaves out more than a few units."""
        return ""

    @property
    def compared(self) -> str:
        """The number of units of its test, in words."""
        return amount(self.units_scored, "unit")

    @property
    def digests(self) -> dict[str, str]:
        """Digests of everything that was tested, by name."""
        return {
            "commitment-sha256": self.plan.commitment_sha256,
            "root": self.plan.root,
            **_model_digests(self.models),
        }


def _model_digests(models: Sequence[ModelSummary]) -> dict[str, str]:
    return {
        f"{model.role}{f' {model.name}' if model.name else ''} {number} {part}-sha256": digest
        for number, model in enumerate(models, 1)
        for part, digest in (("weights", model.weights_sha256), ("tokenizer", model.tokenizer_sha256))
    }


def summarise_test(result: DealtResult) -> PlanTestSummary:
    """Summarise the result of a test of a plan, with the outcome of its own gate."""
    ranks = None if result.target is None else result.target.test
    return PlanTestSummary(
        verdict=result.verdict,
        gate_outcome=evaluate_gate(result),
        multiplicity=result.multiplicity,
        auc=None if ranks is None else ranks.share,
        auc_interval=None if ranks is None else ranks.share_interval,
        alpha=result.level,
        plan=result.plan,
        coins=result.coins.grade,
        bits=result.coins.bits,
        p_value=result.p_value,
        p_paid=result.p_paid,
        units_scored=result.units_scored,
        checks=result.checks,
        models=result.manifest.models,
        nondefault_settings=result.manifest.nondefault_settings,
    )


def summarise(result: AuditResult) -> Summary:
    """Summarise a result, with the outcome of its own gate."""
    main = result.membership
    series = result.deciding_series
    last = None if series is None else series.checkpoints[-1].state
    return Summary(
        verdict=result.verdict,
        gate_outcome=evaluate_gate(result),
        multiplicity=result.multiplicity,
        auc=main.auc,
        auc_interval=main.auc_interval,
        groups_suspect=main.groups_suspect,
        groups_heldout=main.groups_heldout,
        left_out=of_result(result),
        alpha=result.thresholds.alpha,
        state=None if last is None else last.code,
        state_name=None if last is None else last.name,
        guards=result.guards,
        suspect_sha256=result.suspect.sha256,
        heldout_sha256=result.heldout.sha256,
        models=result.manifest.models,
        nondefault_settings=result.manifest.nondefault_settings,
    )
