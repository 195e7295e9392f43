"""Summary: what an audit said, without what made it."""

from __future__ import annotations

from auditor.core.record import Count, Record, Share
from auditor.results.forgetting.series import Code
from auditor.results.gate_outcome import Judgement, judge
from auditor.results.guards import GuardResult
from auditor.results.result import AuditResult, Looks, ModelSummary, Verdict
from auditor.results.separability import Interval


class Summary(Record):
    """What a finished audit said, copied from its result.

    Attributes:
        verdict: After the correction for the other audits, if there are any.
        judgement: Whether its gate is passed.
        looks: Both p-values; None where no p-value of it entered a correction.
        auc: Of the membership score; of a `forget`, at its last checkpoint.
        auc_interval: Its interval.
        groups_suspect: Groups of the suspect side.
        groups_heldout: Of the held-out side.
        alpha: Level that the p-value is held against.
        state: Letter of the last checkpoint's state; None of a `check`.
        state_name: The same in words.
        guards: Every guard.
        suspect_sha256: Digest of the suspect documents.
        heldout_sha256: Of the held-out ones.
        models: What was scored.
    """

    verdict: Verdict
    judgement: Judgement
    looks: Looks | None
    auc: Share
    auc_interval: Interval
    groups_suspect: Count
    groups_heldout: Count
    alpha: Share
    state: Code | None
    state_name: str | None
    guards: tuple[GuardResult, ...]
    suspect_sha256: str
    heldout_sha256: str
    models: tuple[ModelSummary, ...]


def summarise(result: AuditResult) -> Summary:
    """What a result says, judged by its own gate."""
    main = result.membership
    series = result.forgetting if result.kind == "forget" else None
    last = None if series is None else series.checkpoints[-1].state
    return Summary(
        verdict=result.verdict,
        judgement=judge(result),
        looks=result.looks,
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
