"""Scoring: from requests to token signals, from the store where they are there, by loading a model where not."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from auditor.models.backend import Backend, ModelSpec, Variant
from auditor.models.loading import in_float32
from auditor.scoring.assembly import Answer
from auditor.scoring.batches import executor, is_out_of_memory, score_batch, smaller
from auditor.scoring.plan import Item, Request, in_order, next_batch, record_key
from auditor.scoring.progress import Progress, Silent
from auditor.scoring.store import Store
from auditor.scoring.trace_packing import Kept
from auditor.signals.tokens import TokenSignals
from auditor.signals.traces import NOTHING, Traces, Wanted
from auditor.signals.views import Prompt


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
    traces: tuple[Traces | None, ...]
    computed: int
    from_store: int
    tokens: int


@dataclass(slots=True)
class _Job:
    """What one model has to score: prompts by key, for each variant and for what has to be kept of the pass."""

    spec: ModelSpec
    missing: dict[tuple[Variant, Wanted], dict[str, Prompt]] = field(default_factory=dict)


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
    narrowed = [_in_variant(request, store) for request in requests]
    keys = [record_key(request, max_tokens) for request in narrowed]
    wants: dict[str, Wanted] = {}
    for key, request in zip(keys, narrowed, strict=True):
        wants[key] = wants.get(key, NOTHING) | request.wanted
    records = store.get_many(list(wants))
    kept = store.get_traces([key for key, wanted in wants.items() if wanted])

    jobs: dict[str, _Job] = {}
    for key, request in zip(keys, narrowed, strict=True):
        lacking = wants[key] - kept[key].wanted if key in kept else wants[key]
        if lacking or key not in records:
            job = jobs.setdefault(request.model.identity.key, _Job(request.model))
            job.missing.setdefault((request.variant, lacking), {})[key] = request.prompt
    run = _Run(store, records, kept, max_tokens, progress or Silent())
    for group in _share_loads(jobs):
        run.score(group)
    return Scored(
        signals=tuple(run.records[key] for key in keys),
        traces=tuple(
            run.kept[key].traces.only(request.wanted) if request.wanted else None
            for key, request in zip(keys, narrowed, strict=True)
        ),
        computed=run.computed,
        from_store=len(wants) - run.computed,
        tokens=run.tokens,
    )


def _in_variant(request: Request, store: Store) -> Request:
    if request.variant == "batched" or request.model.identity.dtype == "float32":
        return request
    return dataclasses.replace(request, model=in_float32(request.model, store))


def _share_loads(jobs: Mapping[str, _Job]) -> list[list[_Job]]:
    """Jobs that one load may do: those of adapters over one base, with that of the base behind them."""
    groups: dict[str, list[_Job]] = {}
    for job in jobs.values():
        if job.spec.base is not None:
            groups.setdefault(job.spec.base.identity.key, []).append(job)
    for key, job in jobs.items():
        if job.spec.base is None:
            groups.setdefault(key, []).append(job)
    return list(groups.values())


class _Run:
    """The scoring of one call."""

    def __init__(
        self,
        store: Store,
        records: Mapping[str, TokenSignals],
        kept: Mapping[str, Kept],
        max_tokens: int | None,
        progress: Progress,
    ) -> None:
        self.store = store
        self.max_tokens = max_tokens
        self.progress = progress
        self.records = dict(records)
        self.kept = dict(kept)
        self.computed = 0
        self.tokens = 0

    def score(self, group: Sequence[_Job]) -> None:
        """Do jobs with as few loads of the weights as can be."""
        while group:
            group = self._one_load(group)

    def _one_load(self, group: Sequence[_Job]) -> list[_Job]:
        """Load the first job's model and do with it all of them that it can do; the others are left."""
        apart: list[_Job] = []
        host = group[0].spec.load()
        try:
            self._job(group[0], host)
            for guest in group[1:]:
                backend = host.sibling(guest.spec)
                if backend is None:
                    apart.append(guest)
                    continue
                try:
                    self._job(guest, backend)
                finally:
                    backend.close()
        finally:
            host.close()
        return apart

    def _job(self, job: _Job, backend: Backend) -> None:
        planned: list[tuple[Variant, Wanted, list[Item]]] = []
        for (variant, wanted), prompts in job.missing.items():
            items = [
                Item(key, prompt.text, backend.encode(prompt, max_tokens=self.max_tokens))
                for key, prompt in prompts.items()
            ]
            planned.append((variant, wanted, in_order(items)))
        self.progress.start(
            sum(item.encoded.tokens for _, _, items in planned for item in items), job.spec.identity.source
        )
        try:
            for variant, wanted, items in planned:
                self._items(items, variant, wanted, backend)
        finally:
            self.progress.stop()

    def _items(self, items: list[Item], variant: Variant, wanted: Wanted, backend: Backend) -> None:
        """Score batches, several at once where the backend likes that, and store them in their order."""
        budget, workers, at = backend.token_budget, backend.workers, 0
        ahead: deque[tuple[list[Item], Future[dict[str, Answer]]]] = deque()
        planned = 0
        with backend.session(variant), executor(backend) as pool:
            while at < len(items):
                while planned < len(items) and len(ahead) < workers:
                    batch = next_batch(items, budget, planned)
                    ahead.append((batch, pool.submit(score_batch, batch, variant, wanted, backend, budget)))
                    planned += len(batch)
                batch, future = ahead.popleft()
                error = future.exception()
                if error is None:
                    self._keep(batch, wanted, future.result())
                    at += len(batch)
                    continue
                if not is_out_of_memory(error):
                    raise error
                wait([other for _, other in ahead])
                ahead.clear()
                budget, workers, planned = smaller(batch, budget, backend, error), 1, at
                # The exception holds the tensors of the failed batch.
                del future, error
                backend.recover()

    def _keep(self, batch: Sequence[Item], wanted: Wanted, answers: Mapping[str, Answer]) -> None:
        records = {key: answer.signals for key, answer in answers.items() if key not in self.records}
        fresh = {key: Kept(wanted, answer.traces) for key, answer in answers.items()} if wanted else {}
        kept = {key: self.kept[key].with_more(new) if key in self.kept else new for key, new in fresh.items()}
        self.store.put_many(records, kept)
        self.records.update(records)
        self.kept.update(kept)
        self.computed += len(answers)
        tokens = sum(item.encoded.tokens for item in batch)
        self.tokens += tokens
        self.progress.advance(tokens)
