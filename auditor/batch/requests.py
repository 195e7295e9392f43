"""Foreseeing: what an audit will read and ask of which models, before anything is scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditor.core.digests import canonical_sha256, packages
from auditor.core.seeds import stream
from auditor.core.version import VERSION
from auditor.corpora.comparable import require_comparable
from auditor.corpora.digest import whole_digest
from auditor.corpora.document import Corpus
from auditor.corpora.groups import disambiguate_groups
from auditor.features.catalogue import require_reference, select_features
from auditor.forgetting.corpora import gather, gathered
from auditor.forgetting.measure import read_tasks_for_audit
from auditor.forgetting.open import open_series
from auditor.forgetting.score import build_series_requests
from auditor.forgetting.series import NamedCheckpoint
from auditor.membership.cache import CorpusCache
from auditor.membership.scores import build_requests
from auditor.models.backend import ModelSpec
from auditor.models.digests import Memo
from auditor.models.loading import Models, open_models
from auditor.models.options import load_options
from auditor.results.result import SCHEMA_VERSION, AuditResult
from auditor.scoring.plan import Request
from auditor.scoring.score import ScoringRequests
from auditor.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the figures of an audit are made from.

    Attributes:
        fingerprint: Digest of all of it. Where it is that of an earlier run, so are the figures.
        read: Each corpus and model that is read: what it is to the audit, its source, its digest.
    """

    fingerprint: str
    read: frozenset[tuple[str, str, str]]

    def changed_inputs(self, result: AuditResult) -> list[str]:
        """Sources of what was other when a result was made than it was foreseen; none where all was the same."""
        return sorted({source for _, source, _ in self.read ^ _read_by(result)})


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What an audit is going to be.

    Attributes:
        needs: What it will ask the store for. The prompts of tasks and the scores under models changed in memory are
            not among it: the first are many and of one audit alone, the second depend on what is found.
        inputs: What its figures are made from.
    """

    needs: ScoringRequests
    inputs: Inputs


def plan_audit(settings: AuditSettings, memo: Memo, shared: CorpusCache) -> AuditPlan:
    """Read the corpora of an audit and identify its models, without scoring or loading any.

    Args:
        settings: What is asked.
        memo: Remembers digests of model files between runs.
        shared: What other audits have read already.

    Raises:
        UsageError: A corpus or a model cannot be used as it is.
        RunError: A model cannot be read.
    """
    options = load_options(settings)
    select_features(settings.features)
    suspect, heldout = (shared.corpus(source, settings) for source in (settings.suspect, settings.heldout))
    require_comparable(suspect, heldout)
    heldout = disambiguate_groups(suspect, heldout)
    checkpoints: tuple[NamedCheckpoint, ...] = ()
    corpora: dict[str, Corpus] = {"suspect": suspect, "heldout": heldout}
    if settings.series is not None:
        beside = gather(settings, settings.series, suspect, heldout, shared.corpus, shared.overlap)
        corpora.update({str(role): corpus for role, corpus in beside.items()})
        corpora |= {
            f"task {task.name}": task.corpus for task in read_tasks_for_audit(settings, settings.series, shared.corpus)
        }
        checkpoints = open_series(settings.series.checkpoints, options, memo)
    if settings.kind == "check":
        models = open_models(settings.model, settings.references, options, memo)
        if not models.references:
            require_reference(settings.features)
    else:
        models = Models(checkpoints[-1].spec, ())
    audited = [models.target, *models.references, *(checkpoint.spec for checkpoint in checkpoints)]
    read = frozenset(
        {(role, corpus.source, corpus.sha256) for role, corpus in corpora.items()}
        | {_model(number, spec.identity.source, spec.identity.key) for number, spec in enumerate(audited)}
    )
    inputs = Inputs(_fingerprint(settings, corpora, audited), read)
    requests = _Requests(settings, shared, models, checkpoints)
    return AuditPlan(ScoringRequests(requests, settings.max_tokens, tuple(audited)), inputs)


@dataclass(frozen=True, slots=True)
class _Requests:
    """What an audit asks for, made whenever it is gone through: the texts of all audits together may be many."""

    settings: AuditSettings
    shared: CorpusCache
    models: Models
    checkpoints: tuple[NamedCheckpoint, ...]

    def __iter__(self) -> Iterator[Request]:
        settings, seed = self.settings, self.settings.seed
        suspect, heldout = (self.shared.corpus(source, settings) for source in (settings.suspect, settings.heldout))
        heldout = disambiguate_groups(suspect, heldout)
        if settings.series is not None:
            corpora = gathered(settings, settings.series, suspect, heldout, self.shared.corpus)
            layers, rng = settings.series.layers, stream(seed, "probes")
            yield from build_series_requests(self.checkpoints, corpora, seed=seed, layers=layers, rng=rng).requests
        features, rng = select_features(settings.features), stream(seed, "probes")
        yield from build_requests(suspect, heldout, self.models, features, seed=seed, rng=rng).requests


def _read_by(result: AuditResult) -> frozenset[tuple[str, str, str]]:
    """What a result says that it was made from, as `Inputs.read` has it."""
    beside = {"suspect": result.suspect, "heldout": result.heldout}
    beside |= {role: side for role in ("placebo", "general") if (side := getattr(result, role)) is not None}
    found = {(role, side.source, side.sha256) for role, side in beside.items()}
    tasks = None if result.forgetting is None else result.forgetting.tasks
    if tasks is not None:
        names = (f"task {name}" for name in tasks.tasks)
        found |= set(zip(names, tasks.sources, tasks.sha256, strict=True))
    found |= {_model(number, model.source, model.key) for number, model in enumerate(result.manifest.models)}
    return frozenset(found)


def _model(number: int, source: str, key: str) -> tuple[str, str, str]:
    return f"model {number}", source, key


def _fingerprint(settings: AuditSettings, corpora: Mapping[str, Corpus], models: Sequence[ModelSpec]) -> str:
    return canonical_sha256(
        {
            "auditor": VERSION,
            "schema": SCHEMA_VERSION,
            "packages": packages(),
            "settings": settings.model_dump(mode="json"),
            "corpora": {role: whole_digest(corpus) for role, corpus in corpora.items()},
            "models": [model.identity.key for model in models],
        }
    )
