"""One batch of texts at a time, and what to do when memory runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from auditor.core.errors import RunError
from auditor.models.backend import Backend, Variant, WindowScores
from auditor.scoring.assembly import AssembledScores, assemble
from auditor.scoring.plan import Item, cost, passes
from auditor.signals.outputs import Capture


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


def score_batch(
    batch: Sequence[Item], variant: Variant, wanted: Capture, backend: Backend, budget: int
) -> dict[str, AssembledScores]:
    """Score some texts, by their keys."""
    windows = [window for item in batch for window in item.encoded.windows]
    scores: list[WindowScores] = []
    for some in passes(windows, budget):
        scores.extend(backend.score(some, variant=variant, wanted=wanted))
    found = iter(scores)
    return {item.key: assemble(item, [next(found) for _ in item.encoded.windows], wanted) for item in batch}


def smaller(batch: Sequence[Item], budget: int, backend: Backend, error: BaseException) -> int:
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


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out, on whichever device and from whichever allocator."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return any(sign in text for sign in ("out of memory", "can't allocate memory", "cannot allocate memory"))
