"""Opening an audit: its corpora, models, features and requests, and every refusal that needs no score."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.audit.roles import require_roles
from auditor.core.digests import canonical_sha256, packages
from auditor.core.errors import UsageError, naming_unreadable
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.core.version import VERSION
from auditor.corpora.comparable import require_comparable
from auditor.corpora.document import Corpus, whole_digest
from auditor.features.catalogue import require_reference, select_features
from auditor.features.feature import Feature
from auditor.membership.cache import CorpusCache
from auditor.membership.encoding import encoding_differences
from auditor.membership.procedures.published import PublishedProcedure, select_procedures
from auditor.membership.scores import AuditScores, build_requests, score_audit
from auditor.membership.sides import Sides
from auditor.models.backend import ModelSpec, load_options
from auditor.models.digests import Memo
from auditor.models.loading import Models, open_models, with_fitting_base
from auditor.results.result import SCHEMA_VERSION, AuditResult
from auditor.scoring.plan import Request
from auditor.scoring.score import ScoringRequests
from auditor.scoring.store import Store
from auditor.settings import AuditSettings, require_permutations

if TYPE_CHECKING:
    from auditor.forgetting.measure import OpenSeries, SeriesScoring

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InputDigests:
    """What the figures of an audit are made from.

    Attributes:
        fingerprint: Digest of all of it. Where it is that of an earlier run, so are the figures.
        read: Each corpus and model that is read: what it is to the audit, its source, its digest.
    """

    fingerprint: str
    read: frozenset[tuple[str, str, str]]

    def changed_inputs(self, result: AuditResult) -> list[str]:
        """Sources that were different when a result was made; empty where all were the same."""
        return sorted({source for _, source, _ in self.read ^ _read_by(result)})


@dataclass(frozen=True, slots=True)
class OpenAudit:
    """An audit before its scores; no model is in memory.

    Attributes:
        settings: The settings.
        sides: The documents.
        features: The features of the audited model.
        procedures: The published procedures that run on the same scores.
        models: The audited model and its references.
        series: The series; None where no checkpoints are compared.
        cache: Corpora and answers that audits share.
    """

    settings: AuditSettings
    sides: Sides
    features: tuple[Feature, ...]
    procedures: tuple[PublishedProcedure, ...]
    models: Models
    series: OpenSeries | None
    cache: CorpusCache

    @property
    def specs(self) -> list[ModelSpec]:
        """Every model: the audited one, its references, the checkpoints."""
        checkpoints = () if self.series is None else self.series.scoring.checkpoints
        return [self.models.target, *self.models.references, *(checkpoint.spec for checkpoint in checkpoints)]

    @property
    def requests(self) -> ScoringRequests:
        """What it asks the store for.

        The prompts of tasks and the scores under models changed in memory are not among it: the first are many and of
        one audit alone, the second depend on the scores.
        """
        series = None if self.series is None else self.series.scoring
        lazily = _Requests(self.settings, self.features, self.models, series, self.cache)
        return ScoringRequests(lazily, self.settings.max_tokens, tuple(self.specs))

    @property
    def inputs(self) -> InputDigests:
        """What its figures are made from."""
        corpora: dict[str, Corpus] = {str(role): corpus for role, corpus in self.sides.corpora.items()}
        if self.series is not None:
            corpora |= {f"task {task.name}": task.corpus for task in self.series.tasks}
        read = frozenset(
            {(role, corpus.source, corpus.sha256) for role, corpus in corpora.items()}
            | {_model(number, spec.identity.source, spec.identity.key) for number, spec in enumerate(self.specs)}
        )
        return InputDigests(_fingerprint(self.settings, corpora, [spec.identity.key for spec in self.specs]), read)

    def score(self, store: Store, progress: Progress) -> AuditScores:
        """Score both sides in one stream; errors as `score_audit`."""
        return score_audit(
            self.sides.suspect,
            self.sides.heldout,
            self.models,
            self.features,
            seed=self.settings.seed,
            max_tokens=self.settings.max_tokens,
            store=store,
            rng=stream(self.settings.seed, "probes"),
            progress=progress,
        )


@naming_unreadable()
def open_audit(settings: AuditSettings, memo: Memo, cache: CorpusCache) -> OpenAudit:
    """Read the corpora of an audit and identify its models, without scoring or loading any.

    Args:
        settings: The settings.
        memo: Remembers digests of model files between runs; the score store is one.
        cache: Corpora and answers that audits share.

    Raises:
        UsageError: The audit cannot be carried out as its settings say.
        RunError: A model cannot be read.
    """
    require_roles(settings)
    features = select_features(settings.features)
    procedures = select_procedures(settings.procedures)
    sides = cache.sides(settings)
    require_comparable(sides.suspect, sides.heldout)
    _say_early(settings, sides, cache)
    series = None
    if settings.series is not None:
        # Imported here, so that an audit without a series loads nothing of that room.
        from auditor.forgetting.measure import open_series

        series = open_series(settings, settings.series, sides, memo, cache)
    if series is not None and settings.deciding_series is not None:
        # The base of an adapter is no control here, as it may be a checkpoint that was shown the data.
        models = Models(series.scoring.checkpoints[-1].spec, ())
    else:
        options = load_options(settings)
        if series is not None:
            options = with_fitting_base(settings.model, options)
        models = open_models(settings.model, settings.references, options, memo)
        if not models.references:
            require_reference(settings.features)
    if settings.base is not None:
        _require_adapter(settings.base, models, series)
    require_permutations(settings.permutations, settings.policy.controls_alpha / max(1, len(models.references)))
    return OpenAudit(settings, sides, features, procedures, models, series, cache)


def _say_early(settings: AuditSettings, sides: Sides, cache: CorpusCache) -> None:
    """Say before anything is scored what the guards will refuse whatever the model says."""
    groups = len(sides.suspect.groups), len(sides.heldout.groups)
    if min(groups) < settings.policy.minimum_groups:
        _log.warning(
            "the verdict will be INCONCLUSIVE whatever the model says: %s suspect and %s held-out groups, where each "
            "side needs %s; give more independent documents",
            *groups,
            settings.policy.minimum_groups,
        )
    differences = encoding_differences(cache.encoding(sides.suspect, sides.heldout), groups)
    if differences:
        _log.warning(
            "the sides differ in their encoding: %s; --normalise reads both in one form",
            "; ".join(difference.sentence for difference in differences),
        )


def _require_adapter(base: str, models: Models, series: OpenSeries | None) -> None:
    specs = [models.target, *(() if series is None else (one.spec for one in series.scoring.checkpoints))]
    if all(spec.base is None for spec in specs):
        raise UsageError(
            f"{base} is given as the base of an adapter, and no audited model is one", hint="Leave --base out."
        )


@dataclass(frozen=True, slots=True)
class _Requests:
    """The requests of an audit, put together whenever they are gone through: the texts of a whole batch may be many."""

    settings: AuditSettings
    features: tuple[Feature, ...]
    models: Models
    series: SeriesScoring | None
    cache: CorpusCache

    def __iter__(self) -> Iterator[Request]:
        sides = self.cache.sides(self.settings)
        if self.series is not None:
            yield from self.series.requests(sides)
        seed = self.settings.seed
        yield from build_requests(
            sides.suspect, sides.heldout, self.models, self.features, seed=seed, rng=stream(seed, "probes")
        ).requests


def _read_by(result: AuditResult) -> frozenset[tuple[str, str, str]]:
    """What a result was made from, by its own account, as `InputDigests.read` has it."""
    summaries = {role: getattr(result, role) for role in ("suspect", "heldout", "placebo", "general")}
    read = {(role, read.source, read.sha256) for role, read in summaries.items() if read is not None}
    tasks = None if result.forgetting is None else result.forgetting.tasks
    if tasks is not None:
        names = (f"task {name}" for name in tasks.tasks)
        read |= set(zip(names, tasks.sources, tasks.sha256, strict=True))
    return frozenset(
        read | {_model(number, model.source, model.key) for number, model in enumerate(result.manifest.models)}
    )


def _model(number: int, source: str, key: str) -> tuple[str, str, str]:
    return f"model {number}", source, key


def _fingerprint(settings: AuditSettings, corpora: Mapping[str, Corpus], models: list[str]) -> str:
    return canonical_sha256(
        {
            "auditor": VERSION,
            "schema": SCHEMA_VERSION,
            "packages": packages(),
            "settings": settings.model_dump(mode="json"),
            "corpora": {role: whole_digest(corpus) for role, corpus in corpora.items()},
            "models": models,
        }
    )
