"""Jobs: what each model has to score, with as few loads as can be, every batch stored when it is done."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from auditor.core.errors import AuditorError, RunError
from auditor.core.progress import Progress
from auditor.models.backend import Backend, ModelSpec, Variant
from auditor.scoring.assembly import AssembledScores
from auditor.scoring.batches import executor, is_out_of_memory, score_batch, smaller
from auditor.scoring.output_packing import StoredOutputs
from auditor.scoring.plan import Item, in_order, next_batch
from auditor.scoring.store import Store
from auditor.signals.outputs import Capture
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import Prompt

Pass = tuple[Variant, Capture, int | None]
"""How a text is scored, what of the pass is kept, and how many of its tokens are read at most."""

_CHUNK = 500

Keep = Callable[[Mapping[str, TokenSignals], Mapping[str, StoredOutputs]], None]
Blame = Callable[[str, Iterable[str], Exception], None]


@dataclass(slots=True)
class Job:
    """What one model has to score: prompts by key, for each way of passing over them."""

    spec: ModelSpec
    missing: dict[Pass, dict[str, Prompt]] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """Keys of all its prompts."""
        return [key for prompts in self.missing.values() for key in prompts]


def share_loads(jobs: Mapping[str, Job]) -> list[list[Job]]:
    """Jobs that one load may do: those of adapters over one base, with that of the base behind them.

    Args:
        jobs: By the key of their model.
    """
    groups: dict[str, list[Job]] = {}
    for job in jobs.values():
        if job.spec.base is not None:
            groups.setdefault(job.spec.base.identity.key, []).append(job)
    for key, job in jobs.items():
        if job.spec.base is None:
            groups.setdefault(key, []).append(job)
    return list(groups.values())


class Scorer:
    """Does jobs.

    Args:
        store: Where batches are kept as they are done.
        there: Keys whose signals are in the store already, and are wanted for their traces.
        progress: Told of each model's scoring.
        keep: Handed every batch that was stored.
        blame: Handed the source of a model, the keys that could not be scored with it, and why; the rest goes on.
            Without it the first failure is raised.
        living: Whether a text is still worth scoring after what was blamed.

    Attributes:
        computed: Texts scored.
        tokens: Tokens the models read.
        loads: How often weights were read into memory.
    """

    def __init__(
        self,
        store: Store,
        there: Iterable[str],
        progress: Progress,
        *,
        keep: Keep = lambda records, kept: None,
        blame: Blame | None = None,
        living: Callable[[str], bool] = lambda key: True,
    ) -> None:
        self._store = store
        self._there = set(there)
        self._progress = progress
        self._hand_on = keep
        self._handle = blame
        self._living = living
        self.computed = self.tokens = self.loads = 0

    def score(self, group: Sequence[Job]) -> None:
        """Do jobs of one group with as few loads of the weights as can be.

        Where another process scores for the same store under the same weights, it is waited for, so that nothing is
        scored twice.

        Raises:
            RunError: The store cannot be read or written.
        """
        if not group:
            return
        weights = group[0].spec.base or group[0].spec
        with self._store.alone(weights.identity.key):
            for job in group:
                self._find_again(job)
            while group:
                group = self._one_load([job for job in group if any(map(self._living, job.keys))])

    def _find_again(self, job: Job) -> None:
        """Leave out what another process has scored since it was seen to be missing."""
        for (_, wanted, _), prompts in job.missing.items():
            keys = list(prompts)
            for at in range(0, len(keys), _CHUNK):
                some = keys[at : at + _CHUNK]
                records = self._store.get_many([key for key in some if key not in self._there])
                kept = self._store.get_traces(some) if wanted else {}
                self._hand_on(records, kept)
                self._there.update(records)
                for key in some:
                    if key in self._there and (not wanted or (key in kept and not wanted - kept[key].wanted)):
                        del prompts[key]

    def _one_load(self, group: Sequence[Job]) -> list[Job]:
        """Load the first job's model and do with it all of them that it can do; the others are left."""
        if not group:
            return []
        first, rest = group[0], list(group[1:])
        self.loads += 1
        try:
            host = first.spec.load()
        except Exception as error:
            self._blame(first.spec.identity.source, first.keys, error)
            return rest
        apart: list[Job] = []
        try:
            sound = self._job(first, host)
            while sound and rest:
                guest = rest.pop(0)
                try:
                    backend = guest.spec.load_beside(host)
                except Exception as error:
                    self._blame(guest.spec.identity.source, guest.keys, error)
                    break
                if backend is None:
                    apart.append(guest)
                    continue
                try:
                    sound = self._job(guest, backend)
                finally:
                    backend.close()
        finally:
            host.close()
        return apart + rest

    def _job(self, job: Job, backend: Backend) -> bool:
        """Score what one model has to; whether the backend can be trusted with more."""
        planned = [
            (variant, wanted, in_order(self._encoded(prompts, limit, backend)))
            for (variant, wanted, limit), prompts in job.missing.items()
        ]
        self._progress.start(
            sum(item.encoded.tokens for _, _, items in planned for item in items), job.spec.identity.source
        )
        try:
            for at, (variant, wanted, items) in enumerate(planned):
                error = self._items(items, variant, wanted, backend, job.spec)
                if error is not None:
                    keys = [item.key for _, _, later in planned[at:] for item in later]
                    self._blame(job.spec.identity.source, keys, error)
                    return False
        finally:
            self._progress.stop()
        return True

    def _encoded(self, prompts: Mapping[str, Prompt], limit: int | None, backend: Backend) -> list[Item]:
        items = []
        for key, prompt in prompts.items():
            if self._living(key):
                try:
                    items.append(Item(key, prompt.text, backend.encode(prompt, max_tokens=limit)))
                except Exception as error:
                    self._blame(backend.identity.source, [key], error)
        return items

    def _items(
        self, items: list[Item], variant: Variant, wanted: Capture, backend: Backend, spec: ModelSpec
    ) -> Exception | None:
        """Score batches, several at once where the backend likes that, and store them in their order.

        A batch that is refused is scored again text by text, so that only those are blamed who asked for the one at
        fault. What is neither a refusal nor a want of memory is a defect: it is returned, and nothing more is scored.
        So it is where the model's files were touched: what was read of them is nobody's guess.
        """
        budget, workers, at = backend.token_budget, backend.workers, 0
        ahead: deque[tuple[list[Item], Future[dict[str, AssembledScores]]]] = deque()
        planned, singly = 0, set[str]()
        with backend.session(variant), executor(backend) as pool:
            while at < len(items):
                while planned < len(items) and len(ahead) < workers:
                    batch = next_batch(items, 0 if items[planned].key in singly else budget, planned)
                    ahead.append((batch, pool.submit(score_batch, batch, variant, wanted, backend, budget)))
                    planned += len(batch)
                batch, future = ahead.popleft()
                error = future.exception()
                if error is None:
                    try:
                        spec.require_untouched()
                    except RunError as changed:
                        wait([other for _, other in ahead])
                        return changed
                    self._keep(batch, wanted, future.result())
                    at += len(batch)
                    continue
                wait([other for _, other in ahead])
                ahead.clear()
                planned, workers = at, 1
                if is_out_of_memory(error):
                    try:
                        budget = smaller(batch, budget, backend, error)
                    except RunError as hopeless:
                        items = self._without(items, at, batch, backend, hopeless)
                elif not isinstance(error, AuditorError):
                    if not isinstance(error, Exception):
                        raise error
                    return error
                elif self._handle is not None and len(batch) > 1:
                    singly.update(item.key for item in batch)
                else:
                    items = self._without(items, at, batch, backend, error)
                # The exception holds the tensors of the failed batch.
                del future, error
                backend.recover()
        return None

    def _without(
        self, items: list[Item], at: int, batch: Sequence[Item], backend: Backend, error: AuditorError
    ) -> list[Item]:
        """The items, those after `at` without what nobody can use any more."""
        self._blame(backend.identity.source, [item.key for item in batch], error)
        return items[:at] + [item for item in items[at:] if self._living(item.key)]

    def _blame(self, source: str, keys: Iterable[str], error: Exception) -> None:
        if self._handle is None:
            raise error
        self._handle(source, keys, error)

    def _keep(self, batch: Sequence[Item], wanted: Capture, answers: Mapping[str, AssembledScores]) -> None:
        records = {key: answer.signals for key, answer in answers.items() if key not in self._there}
        fresh = {key: StoredOutputs(wanted, answer.traces) for key, answer in answers.items()} if wanted else {}
        older = self._store.get_traces(list(fresh))
        kept = {key: older[key].with_more(new) if key in older else new for key, new in fresh.items()}
        self._store.put_many(records, kept)
        self._hand_on(records, kept)
        self._there.update(records)
        self.computed += len(answers)
        tokens = sum(item.encoded.tokens for item in batch)
        self.tokens += tokens
        self._progress.advance(tokens)
