from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from auditor.signals.tokens import TokenSignals

Maker = Callable[..., TokenSignals]


def make(
    logprob: Sequence[float],
    *,
    mean: Sequence[float] | float = -2.0,
    std: Sequence[float] | float = 1.0,
    rank: Sequence[int] | int = 1,
    top: float | Sequence[float] = 0.0,
    ids: Sequence[int] | None = None,
    starts: Sequence[int] | None = None,
    ends: Sequence[int] | None = None,
    positions: Sequence[int] | None = None,
    n_bytes: int | None = None,
    zlib_bytes: int = 10,
    truncated: bool = False,
) -> TokenSignals:
    """A record with one character a token and one token of context (BOS) unless told otherwise."""
    n = len(logprob)
    begin = np.arange(n) if starts is None else np.asarray(starts)
    return TokenSignals(
        token_ids=np.asarray(range(100, 100 + n) if ids is None else ids, dtype=np.int32),
        starts=begin.astype(np.int32),
        ends=np.asarray(begin + 1 if ends is None else ends, dtype=np.int32),
        positions=np.asarray(range(1, n + 1) if positions is None else positions, dtype=np.int32),
        logprob=np.asarray(logprob, dtype=np.float32),
        mean=np.full(n, mean, dtype=np.float32) if np.isscalar(mean) else np.asarray(mean, dtype=np.float32),
        std=np.full(n, std, dtype=np.float32) if np.isscalar(std) else np.asarray(std, dtype=np.float32),
        max_logprob=np.full(n, top, dtype=np.float32) if np.isscalar(top) else np.asarray(top, dtype=np.float32),
        rank=np.full(n, rank, dtype=np.int32) if np.isscalar(rank) else np.asarray(rank, dtype=np.int32),
        n_bytes=n if n_bytes is None else n_bytes,
        zlib_bytes=zlib_bytes,
        truncated=truncated,
    )


def from_logits(logits: npt.NDArray[np.float64], ids: npt.NDArray[np.int64]) -> TokenSignals:
    """The record a model with these logits [n, vocabulary] would give the tokens `ids` [n]."""
    log_p = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True))
    log_p -= logits.max(1, keepdims=True)
    p = np.exp(log_p)
    chosen = log_p[np.arange(len(ids)), ids]
    mean = (p * log_p).sum(1)
    std = np.sqrt((p * (log_p - mean[:, None]) ** 2).sum(1))
    rank = (log_p > chosen[:, None]).sum(1)
    return make(
        chosen.tolist(),
        mean=mean.tolist(),
        std=std.tolist(),
        rank=rank.tolist(),
        ids=ids.tolist(),
        top=log_p.max(1).tolist(),
    )


@pytest.fixture
def record() -> Maker:
    return make


@pytest.fixture
def record_from_logits() -> Maker:
    return from_logits
