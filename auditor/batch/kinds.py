"""What a batch needs to know of an audit: the only module that tells a test of a plan from a check or a forget."""

from __future__ import annotations

from typing import Any, Protocol

from auditor.audit import multiplicity as of_audit
from auditor.audit.open import open_audit
from auditor.audit.run import run_audit
from auditor.core.progress import Progress
from auditor.dealt import multiplicity as of_test
from auditor.dealt.prepare import level_of_test, prepare_plan_test
from auditor.dealt.run import run_plan_test
from auditor.dealt.settings import PlanTestSettings
from auditor.inference.batch_correction import hypothesis_names
from auditor.membership.cache import CorpusCache
from auditor.models.digests import Memo
from auditor.results.batch import AuditOutcome, BatchEntry, PlanTestEntry, PlanTestOutcome
from auditor.results.dealt.result import DealtResult
from auditor.results.gate import Gate
from auditor.results.result import AuditResult, BatchCorrection
from auditor.results.summary import summarise, summarise_test
from auditor.scoring.score import ScoringRequests
from auditor.settings import AuditSettings, RunOptions, inputs_of

Settings = AuditSettings | PlanTestSettings
Result = AuditResult | DealtResult


class Inputs(Protocol):
    """What the figures of an audit are made from; see `auditor.audit.open.InputDigests`."""

    @property
    def fingerprint(self) -> str:
        """Digest of all of it."""

    def changed_inputs(self, result: Any, /) -> list[str]:
        """Sources that were different when a result was made."""


def open_one(settings: Settings, memo: Memo, cache: CorpusCache) -> tuple[Inputs, ScoringRequests]:
    """What the figures of an audit are made from, and what it asks a model; nothing is scored or noted."""
    opened = (
        prepare_plan_test(settings, memo)
        if isinstance(settings, PlanTestSettings)
        else open_audit(settings, memo, cache)
    )
    return opened.inputs, opened.requests


def run_one(settings: Settings, options: RunOptions, *, progress: Progress, cache: CorpusCache) -> Result:
    """Run an audit by itself."""
    if isinstance(settings, PlanTestSettings):
        return run_plan_test(settings, options, progress=progress)
    return run_audit(settings, options, progress=progress, cache=cache)


def apply_correction(result: Result, correction: BatchCorrection) -> Result:
    """A result with its correction and the corrected verdict."""
    if isinstance(result, DealtResult):
        return of_test.apply_correction(result, correction)
    return of_audit.apply_correction(result, correction)


def parse_kept(settings: Settings, data: bytes) -> Result:
    """A result out of what was kept of it; raises ValidationError where it is not whole."""
    kind = DealtResult if isinstance(settings, PlanTestSettings) else AuditResult
    return kind.model_validate_json(data)


def kind_of(settings: Settings) -> str:
    """`check`, `forget` or `test`."""
    return "test" if isinstance(settings, PlanTestSettings) else settings.kind


def level_of(settings: Settings) -> float:
    """The level that its p-value is compared with; of a test that of the commitment."""
    return level_of_test(settings) if isinstance(settings, PlanTestSettings) else settings.policy.alpha


def sources_of(settings: Settings) -> list[str]:
    """Everything it reads, which no output may overwrite."""
    return settings.inputs if isinstance(settings, PlanTestSettings) else inputs_of(settings)


def n_hypotheses_of(settings: Settings) -> int:
    """Number of hypotheses that can make an audit EVIDENCE."""
    if isinstance(settings, PlanTestSettings):
        return 1
    series = settings.deciding_series
    return len(hypothesis_names(series=series is not None, relearn=series is not None and series.relearn))


def entry_of(
    settings: Settings,
    result: Result | None,
    *,
    name: str,
    folder: str,
    gate: Gate,
    written: dict[str, str],
    error: str,
) -> BatchEntry | PlanTestEntry:
    """An audit as batch.json has it.

    Args:
        settings: What was asked.
        result: What it found; None where it broke.
        name: As the configuration calls it.
        folder: Folder of its report and result.
        gate: Its gate.
        written: The fields of `auditor.results.batch.Written`.
        error: Why it broke.
    """
    if isinstance(settings, PlanTestSettings):
        summary = summarise_test(result) if isinstance(result, DealtResult) else None
        return PlanTestEntry(
            name=name,
            folder=folder,
            plan=settings.plan,
            batch=settings.batch,
            model=settings.model,
            gate=gate,
            finding=None if summary is None else PlanTestOutcome(**dict(summary), **written),
            error=error,
        )
    return BatchEntry(
        name=name,
        folder=folder,
        kind=settings.kind,
        suspect=settings.suspect,
        heldout=settings.heldout,
        model=settings.model,
        gate=gate,
        finding=AuditOutcome(**dict(summarise(result)), **written) if isinstance(result, AuditResult) else None,
        error=error,
    )
