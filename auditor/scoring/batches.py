"""Scoring one batch of texts, and halving it when memory runs out."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from auditor.core.errors import RunError
from auditor.models.backend import Backend, Variant, WindowScores
from auditor.scoring.parts import assemble_parts
from auditor.scoring.plan import Item, cost, passes
from auditor.signals.outputs import Capture, ModelOutputs, merge_windows
from auditor.signals.tokens import TokenSignals


@dataclass(frozen=True, slots=True)
class AssembledScores:
    """Token signals and other outputs of one text."""

    signals: TokenSignals
    outputs: ModelOutputs


def assemble(item: Item, scores: Sequence[WindowScores], wanted: Capture) -> AssembledScores:
    """Join the scores of a text's windows, given in their order."""
    if item.spans is not None:
        return AssembledScores(*assemble_parts(item, item.spans, scores, wanted))
    windows = item.encoded.windows
    characters = b"".join(item.text[window.char_start : window.char_end].encode() for window in windows)
    no_ints, no_floats = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    signals = TokenSignals(
        token_ids=np.concatenate([no_ints, *(window.token_ids[window.context :] for window in windows)]),
        starts=np.concatenate([no_ints, *(window.starts for window in windows)]),
        ends=np.concatenate([no_ints, *(window.ends for window in windows)]),
        positions=np.concatenate(
            [no_ints, *(np.arange(window.context, len(window), dtype=np.int32) for window in windows)]
        ),
        logprob=np.concatenate([no_floats, *(score.logprob for score in scores)]),
        mean=np.concatenate([no_floats, *(score.mean for score in scores)]),
        std=np.concatenate([no_floats, *(score.std for score in scores)]),
        max_logprob=np.concatenate([no_floats, *(score.max_logprob for score in scores)]),
        rank=np.concatenate([no_ints, *(score.rank for score in scores)]),
        n_bytes=len(characters),
        zlib_bytes=len(zlib.compress(characters)),
        truncated=item.encoded.truncated,
    )
    parts = [(window.scored, score.outputs) for window, score in zip(windows, scores, strict=True) if window.scored]
    return AssembledScores(
        signals, merge_windows([outputs for _, outputs in parts], [count for count, _ in parts], wanted)
    )


class _Inline(Executor):
    """Runs work when it is submitted, in the calling thread."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        """Run the work now."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **named))
        except Exception as error:
            future.set_exception(error)
        return future


def executor(backend: Backend) -> Executor:
    """Threads for a backend that scores several batches at once, none for any other."""
    if backend.workers == 1:
        return _Inline()
    return ThreadPoolExecutor(backend.workers, "scoring", initializer=backend.enter_worker)


def score_batch(
    batch: Sequence[Item], variant: Variant, wanted: Capture, backend: Backend, budget: int
) -> dict[str, AssembledScores]:
    """Score the texts of a batch; the result is by key."""
    windows = [window for item in batch for window in item.encoded.windows]
    scores: list[WindowScores] = []
    for group in passes(windows, budget):
        scores.extend(backend.score(group, variant=variant, wanted=wanted))
    rest = iter(scores)
    return {item.key: assemble(item, [next(rest) for _ in item.encoded.windows], wanted) for item in batch}


def smaller(batch: Sequence[Item], budget: int, backend: Backend, error: BaseException) -> int:
    """Half of the token budget that was too large.

    Raises:
        RunError: The pass that failed was a single window.
    """
    windows = [window for item in batch for window in item.encoded.windows]
    largest = max(len(group) for group in passes(windows, budget))
    if largest == 1:
        raise RunError(
            f"{backend.identity.source} needs more memory than is available for one window of"
            f" {max(len(window) for window in windows):,} tokens",
            hint="Use a shorter --context, --dtype bfloat16, or a device with more memory.",
        ) from error
    return max(1, min(budget, cost(windows)) // 2)
