"""Scoring requests, the keys of their records, and their batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.models.backend import Encoded, ModelSpec, Variant, Window
from auditor.signals.outputs import NOTHING, Capture
from auditor.signals.views import Prompt, Span


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt to be scored by a model.

    Attributes:
        model: The model, not in memory.
        prompt: The text that is read and scored.
        variant: As fast as is exact, or alone in float32 as a check.
        wanted: Outputs to capture besides token signals; they change no bit of the signals.
    """

    model: ModelSpec
    prompt: Prompt
    variant: Variant = "batched"
    wanted: Capture = NOTHING


def record_key(request: Request, max_tokens: int | None) -> str:
    """Hex digest of everything that influences the record of a request: model, text, prefix, scored parts, limits."""
    text, prefix = (hashlib.sha256(part.encode()).hexdigest() for part in (request.prompt.text, request.prompt.prefix))
    parts: list[object] = [request.model.identity.key, request.variant, max_tokens, text, prefix]
    if request.prompt.answer:
        parts.append("answer")
    if request.prompt.spans is not None:
        parts.append(["spans", *request.prompt.spans])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Item:
    """A prompt that is not in the store, cut into windows."""

    key: str
    text: str
    encoded: Encoded
    spans: tuple[Span, ...] | None = None


def in_order(items: Sequence[Item]) -> list[Item]:
    """The order of scoring: longest first, then by key.

    Similar lengths are neighbours, so little is padded; the key is a hash, so that the two sides of an audit are mixed
    within every length and no batch is of one side; the longest come first, so memory runs out at once or not at all.
    """
    return sorted(items, key=lambda item: (-item.encoded.tokens, item.key))


def cost(windows: Sequence[Window]) -> int:
    """Tokens a batch of windows takes when each is padded to the longest."""
    return len(windows) * max((len(window) for window in windows), default=0)


def next_batch(items: Sequence[Item], budget: int, start: int = 0) -> list[Item]:
    """As many items from `start` on as fit the budget, at least one.

    Batches are formed greedily in the order of scoring and stored in that order. An interrupted run leaves the tail of
    the order from the start of a batch, which is cut into the same batches as before: a resumed run gives the same
    figures to the last bit.
    """
    stop, count, longest = start, 0, 0
    while stop < len(items):
        windows = items[stop].encoded.windows
        count += len(windows)
        longest = max([longest, *map(len, windows)])
        if stop > start and count * longest > budget:
            break
        stop += 1
    return list(items[start:stop])


def passes(windows: Sequence[Window], budget: int) -> Iterator[list[Window]]:
    """Windows in forward passes that fit the budget, at least one window each."""
    batch: list[Window] = []
    longest = 0
    for window in windows:
        longest = max(longest, len(window))
        if batch and (len(batch) + 1) * longest > budget:
            yield batch
            batch, longest = [], len(window)
        batch.append(window)
    if batch:
        yield batch
