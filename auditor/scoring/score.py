"""Scoring: from requests to token signals, read from the store or computed by loading a model."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.core.errors import AuditorError
from auditor.core.progress import Progress, Silent
from auditor.models.backend import ModelSpec
from auditor.models.loading import in_float32
from auditor.scoring.jobs import Job, Scorer, failure_of, share_loads
from auditor.scoring.packing import StoredOutputs
from auditor.scoring.plan import Request, record_key
from auditor.scoring.store import Store
from auditor.signals.outputs import NOTHING, Capture, ModelOutputs
from auditor.signals.tokens import TokenSignals

_log = logging.getLogger(__name__)

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Scored:
    """The records of a list of requests.

    Attributes:
        signals: One record per request, in their order.
        outputs: The other outputs each request names; None where it names none.
        computed: Distinct records scored in this run, also those of which only other outputs were missing.
        from_store: Distinct records that were complete in the store.
        tokens: Tokens the models read in this run.
    """

    signals: tuple[TokenSignals, ...]
    outputs: tuple[ModelOutputs | None, ...]
    computed: int
    from_store: int
    tokens: int


def score_requests(
    requests: Sequence[Request], *, store: Store, max_tokens: int | None = None, progress: Progress | None = None
) -> Scored:
    """Score requests. Each distinct one is computed once and stored; a model is loaded only if a record is missing.

    One model is in memory at a time; adapters over one base and the base share one load, if the adapters can be taken
    off exactly. Every batch is stored at once, so an interrupted run resumes where it stopped. A text whose signals are
    stored is scored again for outputs that are not; the stored signals stay.

    Args:
        requests: In any order, repeats allowed; the outputs that repeats name are captured in one pass.
        store: Holds the records.
        max_tokens: Read at most this many tokens of each text.
        progress: Receives the progress of each model.

    Raises:
        UsageError: A model cannot be opened in float32 for the variant `alone`.
        RunError: A model fails, memory runs out for a single window, or the disk is full.
    """
    merged = _MergedRequests(_Variants(store))
    keys = [merged.add(request, max_tokens) for request in requests]
    records = store.get_many(list(merged.wanted))
    outputs = store.get_outputs([key for key, wanted in merged.wanted.items() if wanted])
    _log.info("%d of %d records are in the store", len(records), len(merged.wanted))

    def add(new_records: Mapping[str, TokenSignals], new_outputs: Mapping[str, StoredOutputs]) -> None:
        records.update(new_records)
        outputs.update(new_outputs)

    scorer = Scorer(store, records, progress or Silent(), on_stored=add)
    for group in merged.groups(records.keys(), {key: stored.wanted for key, stored in outputs.items()}):
        scorer.score(group)
    return Scored(
        signals=tuple(records[key] for key in keys),
        outputs=tuple(
            outputs[key].outputs.only(request.wanted) if request.wanted else None
            for key, request in zip(keys, requests, strict=True)
        ),
        computed=scorer.computed,
        from_store=len(merged.wanted) - scorer.computed,
        tokens=scorer.tokens,
    )


@dataclass(frozen=True, slots=True)
class ScoringRequests:
    """All scoring requests of one audit.

    Attributes:
        requests: In any order, repeats allowed; iterated several times, with the same result each time.
        max_tokens: The audit reads at most this many tokens of each text.
        models: All models of the requests; None where unknown, which costs one more iteration of the requests.
    """

    requests: Iterable[Request]
    max_tokens: int | None
    models: Sequence[ModelSpec] | None = None


@dataclass(frozen=True, slots=True)
class StoreFill:
    """Outcome of scoring for several audits.

    Attributes:
        pairs: Distinct records requested, a record being one text under one model and variant.
        computed: Records scored in this run because they were not complete in the store.
        tokens: Tokens the models read in this run.
        loads: Number of times weights were read into memory.
        broken: The error of each audit that cannot have all of its scores, by name.
    """

    pairs: int
    computed: int
    tokens: int
    loads: int
    broken: Mapping[str, AuditorError]


def fill_store(
    audits: Iterable[tuple[str, ScoringRequests]], *, store: Store, progress: Progress | None = None
) -> StoreFill:
    """Score the requests of several audits, so that each audit then reads them from the store and loads no model.

    As `score_requests` for all of them together: each model is loaded once, whichever audits need it, and a request
    that several audits share is computed once. Memory is that of the distinct texts of one load: the requests are
    iterated anew for each load, and no score is kept in memory.

    A model that cannot be loaded breaks every audit that lacks a score of it. A text that cannot be scored breaks the
    audits that request it, and the others continue. Neither is tried again.

    Args:
        audits: Name and requests of each audit; consumed before anything is scored.
        store: Holds the records.
        progress: Receives the progress of each model.

    Raises:
        RunError: The store cannot be read or written.
    """
    variants, broken = _Variants(store), dict[str, AuditorError]()
    # The audits that need each load, by the key of its weights.
    needed: dict[str, dict[str, ScoringRequests]] = {}
    for name, requested in audits:
        try:
            weights = dict.fromkeys(map(_weights, variants.all_of(requested)))
        except Exception as error:
            broken[name] = failure_of(f"the audit {name}", error)
            continue
        for key in weights:
            needed.setdefault(key, {})[name] = requested
    pairs = computed = tokens = loads = 0
    for key, users in needed.items():
        merged, owners = _MergedRequests(variants), dict[str, set[str]]()
        for name, requested in users.items():
            try:
                for request in map(variants.of, requested.requests):
                    if _weights(request.model) == key:
                        owners.setdefault(merged.add(request, requested.max_tokens), set()).add(name)
            except Exception as error:
                broken.setdefault(name, failure_of(f"the audit {name}", error))
        scorer = _fill(merged, owners, broken, store, progress or Silent())
        pairs += len(merged.wanted)
        computed, tokens, loads = computed + scorer.computed, tokens + scorer.tokens, loads + scorer.loads
    return StoreFill(pairs=pairs, computed=computed, tokens=tokens, loads=loads, broken=broken)


def _fill(
    merged: _MergedRequests,
    owners: Mapping[str, set[str]],
    broken: dict[str, AuditorError],
    store: Store,
    progress: Progress,
) -> Scorer:
    """Score the requests that are not in the store; audits that lack a score afterwards are added to `broken`."""
    stored: set[str] = set()
    captured: dict[str, Capture] = {}
    keys = list(merged.wanted)
    for start in range(0, len(keys), _CHUNK):
        part = keys[start : start + _CHUNK]
        stored |= store.get_many(part).keys()
        outputs = store.get_outputs([key for key in part if merged.wanted[key]])
        captured |= {key: output.wanted for key, output in outputs.items()}

    def on_failure(source: str, failed: Iterable[str], error: Exception) -> None:
        reason = failure_of(source, error)
        for key in failed:
            for name in owners[key]:
                broken.setdefault(name, reason)

    def needed(key: str) -> bool:
        return not owners[key] <= broken.keys()

    scorer = Scorer(store, stored, progress, on_failure=on_failure, needed=needed)
    for group in merged.groups(stored, captured):
        scorer.score(group)
    return scorer


def _weights(model: ModelSpec) -> str:
    """Key of the weights that are loaded for a model; for an adapter those of its base."""
    return (model.base or model).identity.key


class _MergedRequests:
    """Distinct requests by record key, with the union of the outputs they name."""

    def __init__(self, variants: _Variants) -> None:
        self.wanted: dict[str, Capture] = {}
        self._variants = variants
        self._requests: dict[str, tuple[Request, int | None]] = {}

    def add(self, request: Request, max_tokens: int | None) -> str:
        """Add a request and return the key of its record."""
        request = self._variants.of(request)
        key = record_key(request, max_tokens)
        self.wanted[key] = self.wanted.get(key, NOTHING) | request.wanted
        self._requests.setdefault(key, (request, max_tokens))
        return key

    def groups(self, stored: Iterable[str], captured: Mapping[str, Capture]) -> list[list[Job]]:
        """The missing records as jobs, given the keys of stored signals and the outputs stored by key."""
        signals = set(stored)
        jobs: dict[str, Job] = {}
        for key, (request, max_tokens) in self._requests.items():
            lacking = self.wanted[key] - captured[key] if key in captured else self.wanted[key]
            if lacking or key not in signals:
                job = jobs.setdefault(request.model.identity.key, Job(request.model))
                job.missing.setdefault((request.variant, lacking, max_tokens), {})[key] = request.prompt
        return share_loads(jobs)


class _Variants:
    """The model that scores a request: for the variant `alone`, the model in float32."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._in_float32: dict[str, ModelSpec] = {}

    def of(self, request: Request) -> Request:
        """The request, to the model that scores it."""
        if request.variant == "batched":
            return request
        model = self._checked(request.model)
        return request if model is request.model else dataclasses.replace(request, model=model)

    def all_of(self, requested: ScoringRequests) -> Iterable[ModelSpec]:
        """Every model that scores one of the requests."""
        if requested.models is None:
            return (self.of(request).model for request in requested.requests)
        return (each for model in requested.models for each in (model, self._checked(model)))

    def _checked(self, model: ModelSpec) -> ModelSpec:
        key = model.identity.key
        if key not in self._in_float32:
            self._in_float32[key] = in_float32(model, self._store)
        return self._in_float32[key]
