"""Scoring the candidates of a batch under every model, in one stream that knows no coin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from auditor.core.digests import canonical_sha256, packages, platform_name, text_sha256
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.core.version import VERSION
from auditor.dealt.open import OpenedBatch
from auditor.features.catalogue import select_features
from auditor.features.table import TARGET_LABEL, compute_table, single_pass_only
from auditor.membership.scores import reference_labels
from auditor.models.backend import ModelSpec
from auditor.models.loading import Models
from auditor.provenance.commitment import commitment_sha256
from auditor.results.dealt.scores import CandidateScores, CandidateSet, TextScores
from auditor.results.result import ModelSummary
from auditor.results.rows import FeatureTable
from auditor.scoring.plan import Request
from auditor.scoring.probing import Probes, choose_probes
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import TARGET, Passage, Prompt, as_passage

FEATURES = "single-pass"
"""The features of a dealt hold-out: those of one pass over each document."""


def text_order(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once, in the order of the digests, which no coin decides."""
    return tuple(sorted(set(texts), key=text_sha256))


def candidate_set(opened: OpenedBatch) -> CandidateSet:
    """The candidates of a batch, without anything that its coins decide."""
    return CandidateSet(
        commitment_sha256=commitment_sha256(opened.commitment),
        batch=opened.batch.id,
        features=opened.commitment.design == "holdout",
        texts=text_order(opened.texts),
    )


def score_candidates(
    candidates: CandidateSet,
    models: Models,
    *,
    seed: int,
    max_tokens: int | None,
    store: Store,
    progress: Progress,
    command: str,
    contexts: Mapping[str, str] | None = None,
) -> CandidateScores:
    """Score candidates under the tested model and its references.

    Args:
        candidates: The candidates.
        models: The models.
        seed: Chooses the texts that are scored twice, to check the models.
        max_tokens: Read at most this many tokens of each text.
        store: Where scores are kept.
        progress: Told how far scoring is.
        command: What makes the same scores again.
        contexts: Text before each candidate that is read and not scored; None to score all alone.

    Raises:
        RunError: A model fails.
    """
    texts, features = candidates.texts, candidates.features
    specs, probes = _specs(models), _probes(_passages(candidates, contexts), seed)
    requests = candidate_requests(candidates, models, seed=seed, contexts=contexts)
    scored = score_requests(requests, store=store, max_tokens=max_tokens, progress=progress)
    answers = iter(scored.signals)
    signals = {label: [next(answers) for _ in texts] for label in specs}
    tables, reasons = _features(signals) if features else ({}, {})
    scores = CandidateScores(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        auditor_version=VERSION,
        packages=packages(),
        platform=platform_name(),
        command=command,
        commitment_sha256=candidates.commitment_sha256,
        batch=candidates.batch,
        models=(
            ModelSummary.of(models.target.identity, "target"),
            *(ModelSummary.of(spec.identity, "reference") for spec in models.references),
        ),
        texts=tuple(map(text_sha256, texts)),
        scores={label: _totals(records, cut=features) for label, records in signals.items()},
        token_ids=tuple(hashlib.sha256(one.token_ids.tobytes()).hexdigest() for one in signals[TARGET_LABEL]),
        features=tables,
        reasons=reasons,
        numerics={label: probes.numerics(records, answers) for label, records in signals.items()},
        texts_scored=scored.computed,
        texts_from_store=scored.from_store,
    )
    return with_digest(scores)


def candidate_requests(
    candidates: CandidateSet, models: Models, *, seed: int, contexts: Mapping[str, str] | None = None
) -> list[Request]:
    """What scoring candidates asks for: every text under every model, then the probes of each model."""
    passages, specs = _passages(candidates, contexts), _specs(models)
    probes, prompts = _probes(passages, seed), [_prompt(passage) for passage in passages]
    requests = [Request(spec, prompt) for spec in specs.values() for prompt in prompts]
    for spec in specs.values():
        requests += probes.requests(spec)
    return requests


def _specs(models: Models) -> dict[str, ModelSpec]:
    labels = reference_labels(models.references)
    return {TARGET_LABEL: models.target, **dict(zip(labels, models.references, strict=True))}


def with_digest(scores: CandidateScores) -> CandidateScores:
    """The same scores with the digest that belongs to them."""
    return scores.model_copy(update={"content_sha256": scores_digest(scores)})


def scores_digest(scores: CandidateScores) -> str:
    """Hex digest of every field but the digest itself."""
    return canonical_sha256(scores.model_dump(mode="json", exclude={"content_sha256"}))


def _passage(text: str, context: str) -> str | Passage:
    """A candidate behind its context, of which it alone is scored; in one text, as a model read it."""
    return Passage(context + text, ((len(context), len(context) + len(text)),)) if context else text


def _passages(candidates: CandidateSet, contexts: Mapping[str, str] | None) -> list[str | Passage]:
    return [_passage(text, (contexts or {}).get(text, "")) for text in candidates.texts]


def _prompt(text: str | Passage) -> Prompt:
    passage = as_passage(text)
    return Prompt(passage.text, spans=passage.spans)


def _probes(texts: Sequence[str | Passage], seed: int) -> Probes:
    """Probes of texts that have no sides: the first and the second half of their order stand in for them."""
    half = len(texts) // 2
    return choose_probes(texts[:half], texts[half:], seed=seed, rng=stream(seed, "probes"))


def _totals(records: Sequence[TokenSignals], *, cut: bool) -> TextScores:
    """Totals of texts; a text that was cut has one only where texts are not compared as wholes."""
    whole = [len(record) > 0 and (cut or not record.truncated) for record in records]
    return TextScores(
        logprob=tuple(
            float(record.logprob.astype("float64").sum()) if usable else None
            for record, usable in zip(records, whole, strict=True)
        ),
        tokens=tuple(len(record) for record in records),
    )


def _features(signals: dict[str, list[TokenSignals]]) -> tuple[dict[str, FeatureTable], dict[str, dict[str, int]]]:
    chosen = single_pass_only(select_features(FEATURES))
    tables: dict[str, FeatureTable] = {}
    reasons: dict[str, dict[str, int]] = {}
    for label, records in signals.items():
        views = [{(TARGET_LABEL, TARGET.transform): record} for record in records]
        tables[label], why = compute_table(chosen, views, references=())
        reasons = why if label == TARGET_LABEL else reasons
    return tables, reasons
