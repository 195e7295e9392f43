"""Scoring: from requests to token signals, from the store where they are there, by loading a model where not."""

from __future__ import annotations

import dataclasses
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from auditor.errors import RunError
from auditor.models.backend import Backend, ModelSpec, Variant, WindowScores
from auditor.models.loading import in_float32
from auditor.scoring.plan import Item, Request, cost, in_order, next_batch, passes, record_key
from auditor.scoring.progress import Progress, Silent
from auditor.scoring.store import Store
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import Prompt


@dataclass(frozen=True, slots=True)
class Scored:
    """The answer to some requests.

    Attributes:
        signals: One record per request, in their order.
        computed: Distinct records computed in this run.
        from_store: Distinct records that were in the store.
        tokens: Tokens the models read in this run.
    """

    signals: tuple[TokenSignals, ...]
    computed: int
    from_store: int
    tokens: int


@dataclass(slots=True)
class _Job:
    """What one model has to score: prompts by key, for each variant."""

    spec: ModelSpec
    missing: dict[Variant, dict[str, Prompt]] = field(default_factory=dict)


def score_requests(
    requests: Sequence[Request], *, store: Store, max_tokens: int | None = None, progress: Progress | None = None
) -> Scored:
    """Answer requests. Each distinct one is computed once, ever; a model is loaded only when something is missing.

    One model is in memory at a time; an adapter and its base share one load where the adapter can be switched off
    without a trace. Every batch is stored when it is done, so a run that is broken off goes on where it stood.

    Args:
        requests: In any order, repeats allowed.
        store: Where records are looked up and kept.
        max_tokens: Read at most this many tokens of each text.
        progress: Told of each model's scoring.

    Raises:
        UsageError: A model cannot be opened in float32 for the variant `alone`.
        RunError: A model fails, memory runs out for a single window, or the disk is full.
    """
    narrowed = [_in_variant(request, store) for request in requests]
    keys = [record_key(request, max_tokens) for request in narrowed]
    records = store.get_many(list(dict.fromkeys(keys)))
    from_store = len(records)
    jobs: dict[str, _Job] = {}
    for key, request in zip(keys, narrowed, strict=True):
        if key not in records:
            job = jobs.setdefault(request.model.identity.key, _Job(request.model))
            job.missing.setdefault(request.variant, {})[key] = request.prompt
    run = _Run(store, max_tokens, progress or Silent())
    for group in _share_loads(jobs):
        run.score(group)
    records.update(run.records)
    return Scored(tuple(records[key] for key in keys), len(run.records), from_store, run.tokens)


def _in_variant(request: Request, store: Store) -> Request:
    if request.variant == "batched" or request.model.identity.dtype == "float32":
        return request
    return dataclasses.replace(request, model=in_float32(request.model, store))


def _share_loads(jobs: dict[str, _Job]) -> list[list[_Job]]:
    """Jobs that one load may do: an adapter's with that of its base behind it, all others alone."""
    groups: list[list[_Job]] = []
    placed: set[str] = set()
    for key, job in jobs.items():
        base = None if job.spec.base is None else job.spec.base.identity.key
        if base in jobs and base not in placed:
            placed.update((key, base))
            groups.append([job, jobs[base]])
    return groups + [[job] for key, job in jobs.items() if key not in placed]


class _Run:
    """The scoring of one call."""

    def __init__(self, store: Store, max_tokens: int | None, progress: Progress) -> None:
        self.store = store
        self.max_tokens = max_tokens
        self.progress = progress
        self.records: dict[str, TokenSignals] = {}
        self.tokens = 0

    def score(self, group: list[_Job]) -> None:
        """Load the first job's model and do with it all of them that it can do, the others by themselves."""
        apart: list[_Job] = []
        host = group[0].spec.load()
        try:
            self._job(group[0], host)
            for guest in group[1:]:
                backend = host.base(guest.spec.identity)
                if backend is None:
                    apart.append(guest)
                else:
                    self._job(guest, backend)
        finally:
            host.close()
        for job in apart:
            self.score([job])

    def _job(self, job: _Job, backend: Backend) -> None:
        planned: list[tuple[Variant, list[Item]]] = []
        for variant, prompts in job.missing.items():
            items = [
                Item(key, prompt.text, backend.encode(prompt, max_tokens=self.max_tokens))
                for key, prompt in prompts.items()
            ]
            planned.append((variant, in_order(items)))
        self.progress.start(
            sum(item.encoded.tokens for _, items in planned for item in items), job.spec.identity.source
        )
        try:
            for variant, items in planned:
                self._items(items, variant, backend)
        finally:
            self.progress.stop()

    def _items(self, items: list[Item], variant: Variant, backend: Backend) -> None:
        """Score batches, several at once where the backend likes that, and store them in their order."""
        budget, workers, at = backend.token_budget, backend.workers, 0
        ahead: deque[tuple[list[Item], Future[dict[str, TokenSignals]]]] = deque()
        planned = 0
        with backend.session(variant), executor(backend) as pool:
            while at < len(items):
                while planned < len(items) and len(ahead) < workers:
                    batch = next_batch(items, budget, planned)
                    ahead.append((batch, pool.submit(_batch, batch, variant, backend, budget)))
                    planned += len(batch)
                batch, future = ahead.popleft()
                error = future.exception()
                if error is None:
                    self._keep(batch, future.result())
                    at += len(batch)
                    continue
                if not is_out_of_memory(error):
                    raise error
                wait([other for _, other in ahead])
                ahead.clear()
                budget, workers, planned = _smaller(batch, budget, backend, error), 1, at
                # The exception holds the tensors of the failed batch.
                del future, error
                backend.recover()

    def _keep(self, batch: list[Item], records: dict[str, TokenSignals]) -> None:
        self.store.put_many(records)
        self.records.update(records)
        tokens = sum(item.encoded.tokens for item in batch)
        self.tokens += tokens
        self.progress.advance(tokens)


class _Inline(Executor):
    """Does the work when it is submitted, in the calling thread."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Do it now."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def executor(backend: Backend) -> Executor:
    """Threads for a backend that scores several batches at once, none for one that does not."""
    if backend.workers == 1:
        return _Inline()
    return ThreadPoolExecutor(backend.workers, "scoring", initializer=backend.enter_worker)


def _smaller(batch: list[Item], budget: int, backend: Backend, error: BaseException) -> int:
    """Half of what was too much.

    Raises:
        RunError: It was a single window.
    """
    windows = [window for item in batch for window in item.encoded.windows]
    largest = max(len(some) for some in passes(windows, budget))
    if largest == 1:
        raise RunError(
            f"{backend.identity.source} needs more memory than there is for one window of"
            f" {max(len(window) for window in windows):,} tokens",
            hint="Use a shorter --context, --dtype bfloat16, or a device with more memory.",
        ) from error
    return max(1, min(budget, cost(windows)) // 2)


def _batch(batch: list[Item], variant: Variant, backend: Backend, budget: int) -> dict[str, TokenSignals]:
    windows = [window for item in batch for window in item.encoded.windows]
    scores: list[WindowScores] = []
    for some in passes(windows, budget):
        scores.extend(backend.score(some, variant=variant))
    found = iter(scores)
    return {item.key: assemble(item, [next(found) for _ in item.encoded.windows]) for item in batch}


def assemble(item: Item, scores: Sequence[WindowScores]) -> TokenSignals:
    """The record of a text from the statistics of its windows."""
    windows = item.encoded.windows
    characters = b"".join(item.text[window.char_start : window.char_end].encode() for window in windows)
    no_ints, no_floats = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    return TokenSignals(
        token_ids=np.concatenate([no_ints, *(window.token_ids[window.context :] for window in windows)]),
        starts=np.concatenate([no_ints, *(window.starts for window in windows)]),
        ends=np.concatenate([no_ints, *(window.ends for window in windows)]),
        positions=np.concatenate(
            [no_ints, *(np.arange(window.context, len(window), dtype=np.int32) for window in windows)]
        ),
        logprob=np.concatenate([no_floats, *(score.logprob for score in scores)]),
        mean=np.concatenate([no_floats, *(score.mean for score in scores)]),
        std=np.concatenate([no_floats, *(score.std for score in scores)]),
        rank=np.concatenate([no_ints, *(score.rank for score in scores)]),
        n_bytes=len(characters),
        zlib_bytes=len(zlib.compress(characters)),
        truncated=item.encoded.truncated,
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out, on whichever device and from whichever allocator."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return any(sign in text for sign in ("out of memory", "can't allocate memory", "cannot allocate memory"))
