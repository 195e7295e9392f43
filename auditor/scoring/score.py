"""Scoring: from requests to token signals, from the store where they are there, by loading a model where not."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditor.core.errors import AuditorError, RunError, first_line
from auditor.core.progress import Progress, Silent
from auditor.models.backend import ModelSpec
from auditor.models.loading import in_float32
from auditor.scoring.batches import is_out_of_memory
from auditor.scoring.jobs import Job, Scorer, share_loads
from auditor.scoring.output_packing import StoredOutputs
from auditor.scoring.plan import Request, record_key
from auditor.scoring.store import Store
from auditor.signals.outputs import NOTHING, Capture, ModelOutputs
from auditor.signals.tokens import TokenSignals

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scored:
    """The answer to some requests.

    Attributes:
        signals: One record per request, in their order.
        traces: What else each request wanted, and no more than that; None where it wanted nothing.
        computed: Distinct texts under a model scored in this run, those too whose signals were there and whose traces
            were not.
        from_store: Distinct ones that were in the store with all that was wanted.
        tokens: Tokens the models read in this run.
    """

    signals: tuple[TokenSignals, ...]
    traces: tuple[ModelOutputs | None, ...]
    computed: int
    from_store: int
    tokens: int


def score_requests(
    requests: Sequence[Request], *, store: Store, max_tokens: int | None = None, progress: Progress | None = None
) -> Scored:
    """Answer requests. Each distinct one is computed once, ever; a model is loaded only when something is missing.

    One model is in memory at a time; adapters over one base and the base share one load, as far as the adapters can be
    taken off without a trace. Every batch is stored when it is done, so a run that is broken off goes on where it
    stood. A text whose signals are kept already is read again for traces that are not; its signals stay those that are
    kept, whatever else is asked of them later.

    Args:
        requests: In any order, repeats allowed; what repeats want is kept in one pass.
        store: Where records are looked up and kept.
        max_tokens: Read at most this many tokens of each text.
        progress: Told of each model's scoring.

    Raises:
        UsageError: A model cannot be opened in float32 for the variant `alone`.
        RunError: A model fails, memory runs out for a single window, or the disk is full.
    """
    asked = _MergedRequests(_Variants(store))
    keys = [asked.add(request, max_tokens) for request in requests]
    records = store.get_many(list(asked.wants))
    kept = store.get_traces([key for key, wanted in asked.wants.items() if wanted])
    _log.info("%d of %d texts under a model are in the store", len(records), len(asked.wants))

    def keep(new: Mapping[str, TokenSignals], more: Mapping[str, StoredOutputs]) -> None:
        records.update(new)
        kept.update(more)

    scorer = Scorer(store, records, progress or Silent(), keep=keep)
    for group in asked.groups(records.keys(), {key: one.wanted for key, one in kept.items()}):
        scorer.score(group)
    return Scored(
        signals=tuple(records[key] for key in keys),
        traces=tuple(
            kept[key].traces.only(request.wanted) if request.wanted else None
            for key, request in zip(keys, requests, strict=True)
        ),
        computed=scorer.computed,
        from_store=len(asked.wants) - scorer.computed,
        tokens=scorer.tokens,
    )


@dataclass(frozen=True, slots=True)
class ScoringRequests:
    """What one audit will ask the store for.

    Attributes:
        requests: In any order, repeats allowed; the same whenever they are gone through, which is more than once.
        max_tokens: It reads at most this many tokens of each text.
        models: All that are asked, batched and alone; where this is not known, the requests are gone through once more.
    """

    requests: Iterable[Request]
    max_tokens: int | None
    models: Sequence[ModelSpec] | None = None


@dataclass(frozen=True, slots=True)
class StoreFill:
    """What scoring for several audits came to.

    Attributes:
        pairs: Distinct texts under a model, in the way each is scored, that were asked for.
        computed: How many of them were scored in this run, not all of their record being in the store.
        tokens: Tokens the models read in this run.
        loads: How often weights were read into memory.
        broken: Why an audit cannot have all of its scores, by audit.
    """

    pairs: int
    computed: int
    tokens: int
    loads: int
    broken: Mapping[str, AuditorError]


def fill_store(
    audits: Iterable[tuple[str, ScoringRequests]], *, store: Store, progress: Progress | None = None, chunk: int = 500
) -> StoreFill:
    """Score what several audits will ask for, so that each then finds it in the store and loads no model.

    As `score_requests` for all of them together: each model is loaded once, whichever audits need it, and what several
    ask for is computed once. Memory is that of the distinct texts that the models of one load are asked about: what is
    asked is gone through anew for each load, and nothing scored is held.

    A model that cannot be loaded breaks every audit that lacks a score of it. A text that cannot be scored breaks the
    audits that asked for it, and the others go on. Neither is tried again.

    Args:
        audits: Each audit's name and what it will ask for; taken one at a time, before anything is scored.
        store: Where records are looked up and kept.
        progress: Told of each model's scoring.
        chunk: Records looked at together.

    Raises:
        RunError: The store cannot be read or written.
    """
    variants, broken = _Variants(store), dict[str, AuditorError]()
    # By the key of the weights that are loaded, who needs them.
    needed: dict[str, dict[str, ScoringRequests]] = {}
    for name, foreseen in audits:
        try:
            weights = dict.fromkeys(map(_weights, variants.all_of(foreseen)))
        except Exception as error:
            broken[name] = _said(f"what {name} asks for", error)
            continue
        for key in weights:
            needed.setdefault(key, {})[name] = foreseen
    pairs = computed = tokens = loads = 0
    for key, users in needed.items():
        asked, owners = _MergedRequests(variants), dict[str, set[str]]()
        for name, foreseen in users.items():
            try:
                for request in map(variants.of, foreseen.requests):
                    if _weights(request.model) == key:
                        owners.setdefault(asked.add(request, foreseen.max_tokens), set()).add(name)
            except Exception as error:
                broken.setdefault(name, _said(f"what {name} asks for", error))
        scorer = _fill(asked, owners, broken, store, progress or Silent(), chunk)
        pairs += len(asked.wants)
        computed, tokens, loads = computed + scorer.computed, tokens + scorer.tokens, loads + scorer.loads
    return StoreFill(pairs=pairs, computed=computed, tokens=tokens, loads=loads, broken=broken)


def _fill(
    asked: _MergedRequests,
    owners: Mapping[str, set[str]],
    broken: dict[str, AuditorError],
    store: Store,
    progress: Progress,
    chunk: int,
) -> Scorer:
    """Score what is asked and is not in the store; audits that cannot have it are added to the broken."""
    there: set[str] = set()
    traced: dict[str, Capture] = {}
    keys = list(asked.wants)
    for at in range(0, len(keys), chunk):
        some = keys[at : at + chunk]
        there |= store.get_many(some).keys()
        found = store.get_traces([key for key in some if asked.wants[key]])
        traced |= {key: one.wanted for key, one in found.items()}

    def blame(source: str, failed: Iterable[str], error: Exception) -> None:
        said = _said(source, error)
        for key in failed:
            for name in owners[key]:
                broken.setdefault(name, said)

    scorer = Scorer(store, there, progress, blame=blame, living=lambda key: not owners[key] <= broken.keys())
    for group in asked.groups(there, traced):
        scorer.score(group)
    return scorer


def _weights(model: ModelSpec) -> str:
    """The key of the weights that are read into memory for a model: an adapter's are its base's."""
    return (model.base or model).identity.key


def _said(source: str, error: Exception) -> AuditorError:
    """A failure in words, without the tensors that an exception holds on to."""
    if is_out_of_memory(error):
        return RunError(
            f"{source} needs more memory than there is", hint="Use --dtype bfloat16 or a device with more memory."
        )
    if isinstance(error, AuditorError):
        return type(error)(error.message, hint=error.hint)
    return RunError(f"{source} could not be scored: {type(error).__name__}: {first_line(error)}")


class _MergedRequests:
    """Requests put together: what is wanted of each distinct text, and who has to score it."""

    def __init__(self, variants: _Variants) -> None:
        self.wants: dict[str, Capture] = {}
        self._variants = variants
        self._requests: dict[str, tuple[Request, int | None]] = {}

    def add(self, request: Request, max_tokens: int | None) -> str:
        """Take a request up and give the key of its record."""
        request = self._variants.of(request)
        key = record_key(request, max_tokens)
        self.wants[key] = self.wants.get(key, NOTHING) | request.wanted
        self._requests.setdefault(key, (request, max_tokens))
        return key

    def groups(self, there: Iterable[str], traced: Mapping[str, Capture]) -> list[list[Job]]:
        """What has to be scored, given the keys whose signals are there and what traces are."""
        signals = set(there)
        jobs: dict[str, Job] = {}
        for key, (request, max_tokens) in self._requests.items():
            lacking = self.wants[key] - traced[key] if key in traced else self.wants[key]
            if lacking or key not in signals:
                job = jobs.setdefault(request.model.identity.key, Job(request.model))
                job.missing.setdefault((request.variant, lacking, max_tokens), {})[key] = request.prompt
        return share_loads(jobs)


class _Variants:
    """Who scores what: the check of a model is that model in float32."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._in_float32: dict[str, ModelSpec] = {}

    def of(self, request: Request) -> Request:
        """The request to the model that has to score it."""
        if request.variant == "batched":
            return request
        model = self._checked(request.model)
        return request if model is request.model else dataclasses.replace(request, model=model)

    def all_of(self, foreseen: ScoringRequests) -> Iterable[ModelSpec]:
        """Every model that has to score something."""
        if foreseen.models is None:
            return (self.of(request).model for request in foreseen.requests)
        return (each for model in foreseen.models for each in (model, self._checked(model)))

    def _checked(self, model: ModelSpec) -> ModelSpec:
        known = model.identity.key
        if known not in self._in_float32:
            self._in_float32[known] = in_float32(model, self._store)
        return self._in_float32[known]
