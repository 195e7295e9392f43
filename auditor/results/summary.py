"""Summary: what an audit said, without what made it."""

from __future__ import annotations

from auditor.core.record import Count, Record, Share
from auditor.results.forgetting.states import Code
from auditor.results.gate_outcome import GateOutcome, evaluate_gate
from auditor.results.guards import GuardResult
from auditor.results.result import AuditResult, BatchCorrection, ModelSummary, Verdict
from auditor.results.separability import Interval


class Summary(Record):
    """What a finished audit said, copied from its result."""

    verdict: Verdict
    """After the correction for the other audits, if there are any."""

    gate_outcome: GateOutcome
    multiplicity: BatchCorrection | None
    """Both p-values; None where no p-value of it entered a correction."""

    auc: Share
    """Of the membership score; of a `forget`, at its last checkpoint."""

    auc_interval: Interval
    """Its interval."""

    groups_suspect: Count
    """Groups of the suspect side."""

    groups_heldout: Count
    """Of the held-out side."""

    alpha: Share
    """Level that the p-value is held against."""

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
    """What was scored."""


def summarise(result: AuditResult) -> Summary:
    """What a result says, judged by its own gate."""
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
        alpha=result.thresholds.alpha,
        state=None if last is None else last.code,
        state_name=None if last is None else last.name,
        guards=result.guards,
        suspect_sha256=result.suspect.sha256,
        heldout_sha256=result.heldout.sha256,
        models=result.manifest.models,
    )
