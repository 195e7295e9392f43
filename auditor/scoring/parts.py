"""The record of a text of which only parts are scored, such as the answers of a conversation."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from auditor.core.errors import RunError
from auditor.models.backend import Backend, Encoded, Window, WindowScores
from auditor.scoring.plan import Item
from auditor.signals.outputs import Capture, ModelOutputs, merge_windows
from auditor.signals.tokens import Bools, Floats, Ints, TokenSignals
from auditor.signals.views import Prompt, Span


def require_counted(prompt: Prompt, encoded: Encoded, backend: Backend) -> Encoded:
    """The windows of a prompt, of a backend that knows scored parts where the prompt has some.

    Raises:
        RunError: The backend scores the whole text.
    """
    if prompt.spans is not None and any(window.counted is None for window in encoded.windows):
        raise RunError(
            f"{backend.identity.source} cannot score the answers of a conversation alone", hint="Use --score all."
        )
    return encoded


def assemble_parts(
    item: Item, spans: Sequence[Span], scores: Sequence[WindowScores], wanted: Capture
) -> tuple[TokenSignals, ModelOutputs]:
    """Join the scores of the tokens that count, with characters counted in the scored parts joined."""
    windows = item.encoded.windows
    masks = [np.zeros(0, dtype=np.bool_) if window.counted is None else window.counted for window in windows]
    pieces = [_piece(window, item.text, spans) for window in windows]
    characters = b"".join(text.encode() for _, _, text in pieces)
    no_ints, no_floats = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)

    def joined(name: str) -> Floats:
        return np.concatenate(
            [no_floats, *(getattr(score, name)[mask] for score, mask in zip(scores, masks, strict=True))]
        )

    numbered = [
        (window.token_ids[window.context :][mask], np.arange(window.context, len(window), dtype=np.int32)[mask])
        for window, mask in zip(windows, masks, strict=True)
    ]
    signals = TokenSignals(
        token_ids=np.concatenate([no_ints, *(ids for ids, _ in numbered)]),
        starts=np.concatenate([no_ints, *(starts for starts, _, _ in pieces)]),
        ends=np.concatenate([no_ints, *(ends for _, ends, _ in pieces)]),
        positions=np.concatenate([no_ints, *(positions for _, positions in numbered)]),
        logprob=joined("logprob"),
        mean=joined("mean"),
        std=joined("std"),
        max_logprob=joined("max_logprob"),
        rank=np.concatenate([no_ints, *(score.rank[mask] for score, mask in zip(scores, masks, strict=True))]),
        n_bytes=len(characters),
        zlib_bytes=len(zlib.compress(characters)),
        truncated=item.encoded.truncated,
    )
    outputs = [_counted_only(score.outputs, mask) for score, mask in zip(scores, masks, strict=True)]
    return signals, merge_windows(outputs, [int(mask.sum()) for mask in masks], wanted)


def _counted_only(outputs: ModelOutputs, mask: Bools) -> ModelOutputs:
    if outputs.top_ids is None or outputs.top_logprobs is None:
        return outputs
    return dataclasses.replace(outputs, top_ids=outputs.top_ids[mask], top_logprobs=outputs.top_logprobs[mask])


def _piece(window: Window, text: str, spans: Sequence[Span]) -> tuple[Ints, Ints, str]:
    """First and last characters of the tokens of a window that count, in the scored parts joined, and the characters.

    White space at the edges of a part belongs to its first or last token, as tokenizers may leave it out of both.
    """
    mask = window.counted
    starts, ends = window.starts[mask].astype(np.int64), window.ends[mask].astype(np.int64)
    before = [0, *accumulate(end - start for start, end in spans)]
    first, last, scored = starts.copy(), ends.copy(), []
    for number, (start, end) in enumerate(spans):
        inside = (ends > start) & (starts < end)
        if not inside.any():
            continue
        first[inside] = np.maximum(starts[inside], start) - start + before[number]
        last[inside] = np.minimum(ends[inside], end) - start + before[number]
        low, high = max(start, int(starts[inside].min())), min(end, int(ends[inside].max()))
        low = start if not text[start:low].strip() else low
        high = end if not text[high:end].strip() else high
        scored.append(text[low:high])
    return first.astype(np.int32), last.astype(np.int32), "".join(scored)
