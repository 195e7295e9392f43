"""Everything an audit has scored: the views its features need, and the probes that check the models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from auditor.core.progress import Progress
from auditor.corpora.document import Corpus
from auditor.features.feature import Feature
from auditor.features.table import TARGET_LABEL, Key, requested_views
from auditor.models.backend import ModelSpec
from auditor.models.loading import Models
from auditor.results.models import ModelIdentity
from auditor.results.rows import Numerics
from auditor.scoring.plan import Request
from auditor.scoring.probing import Probes, choose_probes
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.tokens import TokenSignals
from auditor.signals.transforms import all_transforms, transform_text
from auditor.signals.transforms.whole import AS_IS


@dataclass(frozen=True, slots=True)
class AuditScores:
    """Scores of an audit.

    Attributes:
        records: For each document, suspect side first, its record by (model label, transform).
        references: Labels of the reference models.
        numerics: What the probes showed, by model label.
        models: Identity of each scored model, by its label.
    """

    records: tuple[Mapping[Key, TokenSignals], ...]
    references: tuple[str, ...]
    numerics: Mapping[str, Numerics]
    models: Mapping[str, ModelIdentity]

    def plain(self, label: str) -> list[TokenSignals]:
        """Each document as it is, under one model."""
        return [record[label, AS_IS.name] for record in self.records]


@dataclass(frozen=True, slots=True)
class AuditRequests:
    """What an audit has to have scored.

    Attributes:
        models: Every model, by its label, the audited one first.
        references: Labels of the reference models.
        views: (model label, transform) of what is read of each document.
        probes: Which documents are scored a second time.
        requests: All of it: by view and then by document, then the probes of each model.
    """

    models: Mapping[str, ModelSpec]
    references: tuple[str, ...]
    views: tuple[Key, ...]
    probes: Probes
    requests: tuple[Request, ...]


def build_requests(
    suspect: Corpus,
    heldout: Corpus,
    models: Models,
    features: Sequence[Feature],
    *,
    seed: int,
    rng: np.random.Generator,
) -> AuditRequests:
    """Put together what `score_audit` scores; arguments as there. Nothing is scored and no model loaded."""
    references = reference_labels(models.references)
    specs: dict[str, ModelSpec] = {TARGET_LABEL: models.target, **dict(zip(references, models.references, strict=True))}
    documents = (*suspect.documents, *heldout.documents)
    views = tuple(dict.fromkeys([*((label, AS_IS.name) for label in specs), *requested_views(features, references)]))
    transforms = all_transforms()
    texts = {
        name: [transform_text(transforms[name], document.passage, seed) for document in documents]
        for name in dict.fromkeys(transform for _, transform in views)
    }
    requests = [Request(specs[label], prompt) for label, name in views for prompt in texts[name]]
    ours, theirs = ([document.passage for document in side.documents] for side in (suspect, heldout))
    probes = choose_probes(ours, theirs, seed=seed, rng=rng)
    for spec in specs.values():
        requests += probes.requests(spec)
    return AuditRequests(specs, references, views, probes, tuple(requests))


def score_audit(
    suspect: Corpus,
    heldout: Corpus,
    models: Models,
    features: Sequence[Feature],
    *,
    seed: int,
    max_tokens: int | None,
    store: Store,
    rng: np.random.Generator,
    progress: Progress,
) -> AuditScores:
    """Score both sides in one stream, so that no batch, device or moment belongs to one side.

    Args:
        suspect: The suspect documents.
        heldout: The held-out documents.
        models: The audited model and its references.
        features: What will be computed; decides which views are scored.
        seed: Seed of the transforms.
        max_tokens: Read at most this many tokens of each text.
        store: Where scores are kept.
        rng: Chooses the probe documents.
        progress: Told how far scoring is.
    """
    needed = build_requests(suspect, heldout, models, features, seed=seed, rng=rng)
    scored = score_requests(needed.requests, store=store, max_tokens=max_tokens, progress=progress)
    documents = range(len(suspect.documents) + len(heldout.documents))
    answers = iter(scored.signals)
    by_view = {view: [next(answers) for _ in documents] for view in needed.views}
    return AuditScores(
        records=tuple({view: by_view[view][index] for view in needed.views} for index in documents),
        references=needed.references,
        numerics={label: needed.probes.numerics(by_view[label, AS_IS.name], answers) for label in needed.models},
        models={label: spec.identity for label, spec in needed.models.items()},
    )


def reference_labels(references: Sequence[ModelSpec]) -> tuple[str, ...]:
    """Short names of the reference models, told apart by a number where two are alike."""
    names = [Path(spec.identity.source).name or spec.identity.source for spec in references]
    taken: Counter[str] = Counter([TARGET_LABEL])
    labels = []
    for name in names:
        taken[name] += 1
        labels.append(name if taken[name] == 1 else f"{name}-{taken[name]}")
    return tuple(labels)
