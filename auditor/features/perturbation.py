"""Features of a second pass: how the loss changes when the text is changed or read twice."""

from __future__ import annotations

import math

import numpy as np

from auditor.features._tokens import (
    NOTHING_SHARED,
    at_least,
    bits_per_byte_within,
    extent,
    gap_per_byte,
    logprobs,
    same_tokens,
)
from auditor.features.feature import Missing, feature
from auditor.signals.tokens import TokenSignals
from auditor.signals.transforms.whole import LOWERCASE, REPEAT
from auditor.signals.transforms.words import DROP_SHARE, WORD_DROP
from auditor.signals.views import TARGET, View

SETS = ("default", "two-pass")


def _unchanged(plain: TokenSignals, changed: TokenSignals) -> bool:
    return np.array_equal(plain.token_ids, changed.token_ids) and plain.n_bytes == changed.n_bytes


@feature(
    name="lowercase-gap",
    family="perturbation",
    views=(TARGET, View(transform=LOWERCASE.name)),
    direction=1,
    sets=SETS,
    source="Carlini et al. 2021 (arXiv 2012.07805), section 5.2, as a difference in place of the ratio",
)
@at_least(1)
def lowercase_gap(plain: TokenSignals, lowered: TokenSignals) -> float:
    """Loss of the lower-cased text minus loss of the text, in bits per byte of the characters both scored.

    Missing where the text has no capital letters, since nothing was changed.
    """
    if _unchanged(plain, lowered):
        return Missing("lower case changes nothing")
    return gap_per_byte(plain, lowered)


@feature(
    name="word-drop-gap",
    family="perturbation",
    views=(TARGET, View(transform=WORD_DROP.name)),
    direction=1,
    sets=SETS,
    source="Maini et al. 2024, LLM Dataset Inference (arXiv 2406.06443), perturbation features",
)
@at_least(1)
def word_drop_gap(plain: TokenSignals, dropped: TokenSignals) -> float:
    """Loss of the text with 15 % of its words left out minus loss of the text, each in bits per byte of its own.

    If a limit on tokens cut either text, both are compared up to the same expected position: the changed text up to
    85 % of the characters of the original.
    """
    if _unchanged(plain, dropped):
        return Missing("no word was left out of what was scored")
    start, end = extent(plain)
    changed_start, changed_end = extent(dropped)
    if plain.truncated or dropped.truncated:
        remaining = 1 - DROP_SHARE
        changed_end = min(changed_end, math.ceil(remaining * end))
        end = min(end, math.ceil(changed_end / remaining))
    rate = bits_per_byte_within(plain, start, end)
    changed_rate = bits_per_byte_within(dropped, changed_start, changed_end)
    if rate is None or changed_rate is None:
        return Missing(NOTHING_SHARED)
    return changed_rate - rate


@feature(
    name="repetition-gain",
    family="perturbation",
    views=(TARGET, View(transform=REPEAT.name)),
    direction=-1,
    sets=SETS,
    source="Chang et al. 2025, Context-Aware Membership Inference (arXiv 2409.13745), repetition signal",
)
@at_least(1)
def repetition_gain(plain: TokenSignals, repeated: TokenSignals) -> float:
    """Loss of the text minus its loss after itself, over the same tokens, in nats per token.

    Reading a known text first teaches the model little, so lower is more member-like. Only tokens whose first copy was
    read count: the second copy has more tokens before it than the first, by the length of the prefix read, and that
    prefix must reach the token. The rule is exact with one special token in front, or with none and a window of even
    length; otherwise it errs by a token or two at the end.
    """
    pairs = same_tokens(plain, repeated)
    if pairs is None:
        return Missing("the repeated text is cut into different tokens")
    before = plain.positions[pairs[0]]
    seen = repeated.positions[pairs[1]] - before >= before
    if not seen.any():
        return Missing("the text was not read before its repetition")
    return float((logprobs(repeated)[pairs[1]] - logprobs(plain)[pairs[0]])[seen].mean())
