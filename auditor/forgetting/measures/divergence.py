"""Divergence of two next-token distributions of which only the most probable entries are stored.

Write p for the origin and q for the checkpoint at one token, A and B for the stored entries of each, c_p and c_q for
the smallest stored probability of each, m_p = 1 - p(A) and m_q = 1 - q(B) for the remaining mass. Of

    KL(p || q) = sum over v of p_v log(p_v / q_v)

the entries in both A and B are known. Unknown are q_i for i in A without B (at most c_q), p_j for j in B without A (at
most c_p), and all other entries, of which only the total masses r of p and s of q matter: by the log-sum inequality
they contribute at least r log(r / s), and with enough entries no more. The least KL consistent with the known entries
is therefore the known part plus

    minimise    sum_i p_i log(p_i / q_i) + sum_j p_j log(p_j / q_j) + r log(r / s)
    subject to  q_i <= c_q,  sum_i q_i + s = m_q;     0 <= p_j <= c_p,  sum_j p_j + r = m_p;     r, s >= 0,

which is convex. With multipliers a for the first budget and 1 + log b for the second, the Lagrangian is least at the
water levels q_i = min(c_q, p_i / a) and p_j = min(c_p, b q_j), and its part in r and s is bounded, with least value 0,
exactly if b <= a. So every pair b <= a gives a lower bound (weak duality),

    D(a, b) = sum_i [p_i log(p_i / q_i) + a q_i] - a m_q
            + sum_j [p_j log(p_j / q_j) - (1 + log b) p_j] + (1 + log b) m_p,

however roughly the levels are computed, and the best pair gives the minimum. D is a sum of a function of a and one of
b, each with a single peak: where the water just fills m_q and m_p. If those peaks have b > a, the best pair has a = b,
at the level where r = a s closes both budgets.

The bound is the tightest for a vocabulary of unknown size, and exact where all entries are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from auditor.inference.design import Bools, Floats
from auditor.signals.outputs import ModelOutputs

_REACH = 30.0
"""Levels are searched from exp(-30) to exp(30), beyond any ratio of probabilities in float32 lists."""
_HALVINGS = 40
_ROUNDING = 1e-6
"""Rounding error of the sum of the float32 probabilities of a list, added to the remaining mass of the checkpoint."""
_CHUNK = 512


@dataclass(frozen=True, slots=True)
class TokenDivergence:
    """Divergence of two models at each scored token of one text.

    Attributes:
        divergence: [n] lower bound of KL(origin || checkpoint), nats.
        covered: [n] probability under the origin of the entries in both lists.
        agree: [n] whether both have the same most probable token.
    """

    divergence: Floats
    covered: Floats
    agree: Bools


def compare(origin: ModelOutputs, checkpoint: ModelOutputs) -> TokenDivergence | None:
    """Compare the next-token lists of two models on one text.

    Args:
        origin: Outputs of the origin.
        checkpoint: Outputs of the checkpoint on the same tokens.

    Returns:
        None where a list is not stored.

    Raises:
        ValueError: The numbers of tokens differ.
    """
    if origin.top_ids is None or origin.top_logprobs is None:
        return None
    if checkpoint.top_ids is None or checkpoint.top_logprobs is None:
        return None
    if len(origin.top_ids) != len(checkpoint.top_ids):
        raise ValueError(f"the origin has {len(origin.top_ids)} tokens, the checkpoint {len(checkpoint.top_ids)}")
    logs = [trace.astype(np.float64) for trace in (origin.top_logprobs, checkpoint.top_logprobs)]
    bounds, covered = [np.empty(0)], [np.empty(0)]
    for start in range(0, len(logs[0]), _CHUNK):
        rows = slice(start, start + _CHUNK)
        same = origin.top_ids[rows, :, None] == checkpoint.top_ids[rows, None, :]
        bounds.append(_bound(logs[0][rows], logs[1][rows], same))
        covered.append(np.where(same.any(axis=2), np.exp(logs[0][rows]), 0.0).sum(axis=1))
    return TokenDivergence(
        divergence=np.concatenate(bounds),
        covered=np.clip(np.concatenate(covered), 0.0, 1.0),
        agree=origin.top_ids[:, 0] == checkpoint.top_ids[:, 0],
    )


def _bound(log_p: Floats, log_q: Floats, same: Bools) -> Floats:
    """Lower bound [n] from the stored log-probabilities [n, k] and which entries are the same token [n, k, k]."""
    p, q = np.exp(log_p), np.exp(log_q)
    in_both = same.any(axis=2)
    partner = np.take_along_axis(log_q, same.argmax(axis=2), axis=1)
    known = np.where(in_both, p * (log_p - partner), 0.0).sum(axis=1)

    cap_p, cap_q = p.min(axis=1, keepdims=True), q.min(axis=1, keepdims=True)
    only_p, only_q = np.where(in_both, 0.0, p), np.where(same.any(axis=1), 0.0, q)
    left_p = np.maximum(1.0 - p.sum(axis=1), 0.0)
    left_q = np.maximum(1.0 - q.sum(axis=1), 0.0) + _ROUNDING

    def drawn_q(log_level: Floats) -> Floats:
        drawn: Floats = np.minimum(cap_q, only_p * np.exp(-log_level)[:, None])
        return drawn

    def drawn_p(log_level: Floats) -> Floats:
        drawn: Floats = np.minimum(cap_p, only_q * np.exp(log_level)[:, None])
        return drawn

    def joint(log_level: Floats) -> Bools:
        rest = np.exp(log_level) * (left_q - drawn_q(log_level).sum(axis=1))
        return np.asarray(drawn_p(log_level).sum(axis=1) + rest >= left_p)

    a = _level(lambda x: drawn_q(x).sum(axis=1) <= left_q, len(p))
    b = _level(lambda x: drawn_p(x).sum(axis=1) >= left_p, len(p))
    shared = _level(joint, len(p), low=np.minimum(a, b), high=np.maximum(a, b))
    a, b = np.where(b > a, shared, a), np.where(b > a, shared, b)

    filled_q, filled_p = drawn_q(a), drawn_p(b)
    log_filled_q = np.log(np.where(filled_q > 0, filled_q, 1.0))
    log_filled_p = np.log(np.where(filled_p > 0, filled_p, 1.0))
    of_q = np.where(only_p > 0, p * (log_p - log_filled_q), 0.0).sum(axis=1)
    of_q += np.exp(a) * (filled_q.sum(axis=1) - left_q)
    of_p = np.where(only_q > 0, filled_p * (log_filled_p - log_q), 0.0).sum(axis=1)
    of_p += (1.0 + b) * (left_p - filled_p.sum(axis=1))
    bound: Floats = np.maximum(known + of_q + of_p, 0.0)
    return bound


def _level(
    enough: Callable[[Floats], Bools], count: int, *, low: Floats | None = None, high: Floats | None = None
) -> Floats:
    """Logarithm [count] of the lowest level at which `enough` holds, by bisection; `high` where it never holds."""
    low = np.full(count, -_REACH) if low is None else low.copy()
    high = np.full(count, _REACH) if high is None else high.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        reached = enough(middle)
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle)
    return high
