"""Jobs: the texts each model has to score, with as few loads as possible, every batch stored at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from auditor.core.errors import AuditorError, RunError, is_out_of_memory, reason_of
from auditor.core.progress import Progress
from auditor.models.backend import Backend, ModelSpec, Variant
from auditor.scoring.batches import AssembledScores, executor, score_batch, smaller
from auditor.scoring.packing import StoredOutputs
from auditor.scoring.parts import require_counted
from auditor.scoring.plan import Item, in_order, next_batch
from auditor.scoring.store import Store
from auditor.signals.outputs import Capture
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import Prompt

Pass = tuple[Variant, Capture, int | None]
"""Variant, captured outputs, and largest number of tokens read of each text."""

_CHUNK = 500

OnStored = Callable[[Mapping[str, TokenSignals], Mapping[str, StoredOutputs]], None]
OnFailure = Callable[[str, Iterable[str], Exception], None]


@dataclass(slots=True)
class Job:
    """The missing prompts of one model, by key, for each kind of pass."""

    spec: ModelSpec
    missing: dict[Pass, dict[str, Prompt]] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """Keys of all its prompts."""
        return [key for prompts in self.missing.values() for key in prompts]


def share_loads(jobs: Mapping[str, Job]) -> list[list[Job]]:
    """Group the jobs that one load may serve: those of adapters over one base, then that of the base.

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


def failure_of(source: str, error: Exception) -> AuditorError:
    """What a user reads of a failure: without its traceback, which would keep tensors in memory.

    Args:
        source: The model, or whatever else failed.
        error: Of any kind.
    """
    if is_out_of_memory(error):
        return RunError(
            f"{source} needs more memory than is available", hint="Use --dtype bfloat16 or a device with more memory."
        )
    if isinstance(error, AuditorError):
        return type(error)(error.message, hint=error.hint)
    return RunError(f"{source} could not be scored: {reason_of(error, typed=True)}")


class Scorer:
    """Runs jobs.

    Args:
        store: Receives every batch when it is scored.
        stored: Keys whose signals are in the store already; their texts are scored for other outputs.
        progress: Receives the progress of each model.
        on_stored: Called with every stored batch.
        on_failure: Called with the source of a model, the keys that could not be scored with it, and the error; the
            other texts are scored nevertheless. Without it the first failure is raised.
        needed: Whether a text is still needed after the failures so far.

    Attributes:
        computed: Texts scored.
        tokens: Tokens the models read.
        loads: How often weights were read into memory.
    """

    def __init__(
        self,
        store: Store,
        stored: Iterable[str],
        progress: Progress,
        *,
        on_stored: OnStored = lambda records, outputs: None,
        on_failure: OnFailure | None = None,
        needed: Callable[[str], bool] = lambda key: True,
    ) -> None:
        self._store = store
        self._stored = set(stored)
        self._progress = progress
        self._on_stored = on_stored
        self._on_failure = on_failure
        self._needed = needed
        self.computed = self.tokens = self.loads = 0

    def score(self, group: Sequence[Job]) -> None:
        """Run the jobs of one group with as few loads of the weights as possible.

        Waits for another process that scores for the same store with the same weights, so that nothing is scored twice.

        Raises:
            RunError: The store cannot be read or written.
        """
        if not group:
            return
        weights = group[0].spec.base or group[0].spec
        with self._store.alone(weights.identity.key):
            for job in group:
                self._skip_stored(job)
            while group:
                group = self._one_load([job for job in group if any(map(self._needed, job.keys))])

    def _skip_stored(self, job: Job) -> None:
        """Drop the prompts that another process has scored meanwhile."""
        for (_, wanted, _), prompts in job.missing.items():
            keys = list(prompts)
            for start in range(0, len(keys), _CHUNK):
                chunk = keys[start : start + _CHUNK]
                records = self._store.get_many([key for key in chunk if key not in self._stored])
                outputs = self._store.get_outputs(chunk) if wanted else {}
                self._on_stored(records, outputs)
                self._stored.update(records)
                for key in chunk:
                    if key in self._stored and (not wanted or (key in outputs and not wanted - outputs[key].wanted)):
                        del prompts[key]

    def _one_load(self, group: Sequence[Job]) -> list[Job]:
        """Load the first job's model and run every job that its weights serve; return the others."""
        if not group:
            return []
        first, rest = group[0], list(group[1:])
        self.loads += 1
        try:
            host = first.spec.load()
        except Exception as error:
            self._fail(first.spec.identity.source, first.keys, error)
            return rest
        apart: list[Job] = []
        try:
            sound = self._run_job(first, host)
            while sound and rest:
                guest = rest.pop(0)
                try:
                    backend = guest.spec.load_from(host)
                except Exception as error:
                    self._fail(guest.spec.identity.source, guest.keys, error)
                    break
                if backend is None:
                    apart.append(guest)
                    continue
                try:
                    sound = self._run_job(guest, backend)
                finally:
                    backend.close()
        finally:
            host.close()
        return apart + rest

    def _run_job(self, job: Job, backend: Backend) -> bool:
        """Score the prompts of one model; False where the backend is defective and must not score more."""
        planned = [
            (variant, wanted, in_order(self._encoded(prompts, limit, backend)))
            for (variant, wanted, limit), prompts in job.missing.items()
        ]
        self._progress.start(
            sum(item.encoded.tokens for _, _, items in planned for item in items), job.spec.identity.source
        )
        try:
            for index, (variant, wanted, items) in enumerate(planned):
                error = self._score_items(items, variant, wanted, backend, job.spec)
                if error is not None:
                    keys = [item.key for _, _, later in planned[index:] for item in later]
                    self._fail(job.spec.identity.source, keys, error)
                    return False
        finally:
            self._progress.stop()
        return True

    def _encoded(self, prompts: Mapping[str, Prompt], limit: int | None, backend: Backend) -> list[Item]:
        items = []
        for key, prompt in prompts.items():
            if self._needed(key):
                try:
                    encoded = require_counted(prompt, backend.encode(prompt, max_tokens=limit), backend)
                    items.append(Item(key, prompt.text, encoded, prompt.spans))
                except Exception as error:
                    self._fail(backend.identity.source, [key], error)
        return items

    def _score_items(
        self, items: list[Item], variant: Variant, wanted: Capture, backend: Backend, spec: ModelSpec
    ) -> Exception | None:
        """Score batches, several at once where the backend has workers, and store them in their order.

        A batch with an `AuditorError` is scored again text by text, so that only the failing text fails its audits. Any
        other error but lack of memory is a defect of the backend: it is returned, and nothing more is scored. The same
        holds where the model's files changed, as the weights in memory are then unknown.
        """
        budget, workers, done = backend.token_budget, backend.workers, 0
        ahead: deque[tuple[list[Item], Future[dict[str, AssembledScores]]]] = deque()
        planned, singly = 0, set[str]()
        with backend.session(variant), executor(backend) as pool:
            while done < len(items):
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
                    self._store_batch(batch, wanted, future.result())
                    done += len(batch)
                    continue
                wait([other for _, other in ahead])
                ahead.clear()
                planned, workers = done, 1
                if is_out_of_memory(error):
                    try:
                        budget = smaller(batch, budget, backend, error)
                    except RunError as too_long:
                        items = self._drop(items, done, batch, backend, too_long)
                elif not isinstance(error, AuditorError):
                    if not isinstance(error, Exception):
                        raise error
                    return error
                elif self._on_failure is not None and len(batch) > 1:
                    singly.update(item.key for item in batch)
                else:
                    items = self._drop(items, done, batch, backend, error)
                # The exception holds the tensors of the failed batch.
                del future, error
                backend.recover()
        return None

    def _drop(
        self, items: list[Item], done: int, batch: Sequence[Item], backend: Backend, error: AuditorError
    ) -> list[Item]:
        """Fail a batch, and drop the items after `done` that no remaining audit needs."""
        self._fail(backend.identity.source, [item.key for item in batch], error)
        return items[:done] + [item for item in items[done:] if self._needed(item.key)]

    def _fail(self, source: str, keys: Iterable[str], error: Exception) -> None:
        if self._on_failure is None:
            raise error if isinstance(error, AuditorError) else failure_of(source, error) from error
        self._on_failure(source, keys, error)

    def _store_batch(self, batch: Sequence[Item], wanted: Capture, scores: Mapping[str, AssembledScores]) -> None:
        records = {key: score.signals for key, score in scores.items() if key not in self._stored}
        fresh = {key: StoredOutputs(wanted, score.outputs) for key, score in scores.items()} if wanted else {}
        older = self._store.get_outputs(list(fresh))
        outputs = {key: older[key].merged(new) if key in older else new for key, new in fresh.items()}
        self._store.put_many(records, outputs)
        self._on_stored(records, outputs)
        self._stored.update(records)
        self.computed += len(scores)
        tokens = sum(item.encoded.tokens for item in batch)
        self.tokens += tokens
        self._progress.advance(tokens)
