"""Probes: a few documents scored a second time, to see whether a backend can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from auditor.results.rows import Numerics
from auditor.signals.tokens import TokenSignals

Pair = tuple[TokenSignals, TokenSignals]


def compare(again: Sequence[Pair], shuffled: Sequence[Pair]) -> Numerics:
    """Sum the probes of one model up.

    Args:
        again: Record of a document from its batch, and alone in float32.
        shuffled: Record of a document, and of its words in random order.
    """
    document_gap = token_gap = 0.0
    for batched, alone in again:
        if not np.array_equal(batched.token_ids, alone.token_ids):
            document_gap = token_gap = math.nan
            break
        if len(batched):
            gaps = batched.logprob.astype(np.float64) - alone.logprob.astype(np.float64)
            document_gap = max(document_gap, abs(float(gaps.mean())))
            token_gap = max(token_gap, float(np.abs(gaps).max()))
    told = [(text, other) for text, other in shuffled if not np.array_equal(text.token_ids, other.token_ids)]
    disordered = sum(_per_byte(text) <= _per_byte(other) for text, other in told)
    return Numerics(len(again), document_gap, token_gap, len(told), disordered)


def _per_byte(record: TokenSignals) -> float:
    return float(record.logprob.sum(dtype=np.float64)) / max(1, record.n_bytes)
