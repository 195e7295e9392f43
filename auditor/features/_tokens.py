"""Helpers of the features: float64 arrays, tails of a sample, and the part of a text that two records both cover."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from auditor.features.feature import Missing
from auditor.signals.tokens import TokenSignals

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Scored = Callable[..., float]

NOTHING_SHARED = "no characters scored in both views"
SAME_TOKENIZER = 0.9


def at_least(tokens: int) -> Callable[[Scored], Scored]:
    """Return `Missing` wherever one of the records has fewer scored tokens than the statistic needs."""
    reason = "no scored tokens" if tokens == 1 else f"fewer than {tokens} scored tokens"

    def decorate(compute: Scored) -> Scored:
        @functools.wraps(compute)
        def guarded(*signals: TokenSignals, **options: float) -> float:
            if any(len(record) < tokens for record in signals):
                return Missing(reason)
            return compute(*signals, **options)

        return guarded

    return decorate


def logprobs(signals: TokenSignals) -> Array:
    """Log-probabilities in float64 nats, [n]. Zeros stay: they are the most confidently known tokens."""
    return signals.logprob.astype(np.float64)


def tail_size(tokens: int, share: float) -> int:
    """ceil(share * tokens), so at least 1; a product that is whole but for rounding (.1 * 30) counts as whole."""
    return math.ceil(round(share * tokens, 9))


def lowest_mean(values: Array, share: float) -> float:
    """Mean of the lowest ceil(share * n) of n >= 1 values, at least one."""
    size = tail_size(values.size, share)
    return float(np.partition(values, size - 1)[:size].mean())


def highest_mean(values: Array, share: float) -> float:
    """Mean of the highest ceil(share * n) of n >= 1 values, at least one."""
    return -lowest_mean(-values, share)


def extent(signals: TokenSignals) -> tuple[int, int]:
    """First character scored and one past the last, for a record with tokens."""
    return int(signals.starts.min()), int(signals.ends.max())


def bits_per_byte_within(signals: TokenSignals, start: int, end: int) -> float | None:
    """Bits per UTF-8 byte of the scored characters in [start, end); None where there are none.

    A token across an edge counts by its share of characters. The bytes of a part are in proportion to its characters,
    those of the whole are exact.
    """
    starts, ends = signals.starts.astype(np.float64), signals.ends.astype(np.float64)
    widths = ends - starts
    inside = np.clip(np.minimum(ends, end) - np.maximum(starts, start), 0, None)
    # A token without characters counts at its position.
    shares = np.where(widths > 0, inside / np.where(widths > 0, widths, 1), (starts >= start) & (starts < end))
    if not inside.any() or signals.n_bytes <= 0:
        return None
    size = signals.n_bytes * float(inside.sum() / widths.sum())
    return -float(logprobs(signals) @ shares) / (size * math.log(2))


def gap_per_byte(plain: TokenSignals, other: TokenSignals) -> float:
    """Bits per byte of `other` minus those of `plain` over the characters between which both scored.

    Offsets of the two records must be positions in one text. A limit on tokens, an unscored first token or
    another tokenizer makes the records end at different characters; only their common part is compared.
    """
    (first, last), (other_first, other_last) = extent(plain), extent(other)
    start, end = max(first, other_first), min(last, other_last)
    rate, other_rate = bits_per_byte_within(plain, start, end), bits_per_byte_within(other, start, end)
    if rate is None or other_rate is None:
        return Missing(NOTHING_SHARED)
    return other_rate - rate


def same_tokens(left: TokenSignals, right: TokenSignals) -> tuple[Indices, Indices] | None:
    """Indices of the tokens both records scored, pairwise in order of the text.

    Either record may lack tokens of the other: at either end, and where a window begins without a BOS token. Within the
    part that both cover they must still share nine tokens in ten (id and position); otherwise they come from different
    tokenizers and the result is None.
    """
    left_keys, right_keys = _keys(left), _keys(right)
    if np.array_equal(left_keys, right_keys):
        everything = np.arange(len(left))
        return everything, everything
    _, left_at, right_at = np.intersect1d(left_keys, right_keys, return_indices=True)
    (first, last), (other_first, other_last) = extent(left), extent(right)
    start, end = max(first, other_first), min(last, other_last)
    largest = max(int(((item.starts >= start) & (item.ends <= end)).sum()) for item in (left, right))
    if not left_at.size or left_at.size < SAME_TOKENIZER * largest:
        return None
    return left_at, right_at


def _keys(signals: TokenSignals) -> npt.NDArray[np.int64]:
    """First character, then token id, in one sortable number."""
    return signals.starts.astype(np.int64) << 32 | signals.token_ids
