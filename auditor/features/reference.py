"""Features of the target against a reference model that has not seen the data.

With d = l - l_reference token by token. Token by token needs one tokenizer; with two, only `reference-gap` exists.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from auditor.features._tokens import Array, at_least, gap_per_byte, logprobs, same_tokens
from auditor.features.feature import Missing, feature
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import REFERENCE, TARGET

BOTH = (TARGET, REFERENCE)
SETS = ("default", "single-pass", "reference")
OTHER_TOKENS = "target and reference cut the text into different tokens"

# The released configuration of the paper's code; the geometric spacing in its text rounds to slightly other widths.
WIDTHS = (2, 3, 4, 6, 9, 13, 18, 25, 32, 40)


def _on_common_tokens(
    compute: Callable[[Array, Array, Array], float],
) -> Callable[[TokenSignals, TokenSignals], float]:
    """Apply `compute` to target and reference log-probabilities of the common tokens, and the target's ranks.

    `Missing` where a record has no tokens, or the two tokenizers cut the text differently.
    """

    @functools.wraps(compute)
    def compared(target: TokenSignals, reference: TokenSignals) -> float:
        pairs = same_tokens(target, reference)
        if pairs is None:
            return Missing(OTHER_TOKENS)
        ranks = target.rank[pairs[0]].astype(np.float64)
        return compute(logprobs(target)[pairs[0]], logprobs(reference)[pairs[1]], ranks)

    return at_least(1)(compared)


@feature(
    name="reference-gap",
    family="reference",
    views=BOTH,
    direction=1,
    sets=SETS,
    source="Carlini et al. 2021 (arXiv 2012.07805), section 5.2; Watson et al. 2022 (arXiv 2111.08440)",
)
@at_least(1)
def reference_gap(target: TokenSignals, reference: TokenSignals) -> float:
    """Loss under the reference minus loss under the target, in bits per byte of the characters both scored."""
    return gap_per_byte(target, reference)


@feature(
    name="wbc",
    family="reference",
    views=BOTH,
    direction=1,
    sets=SETS,
    source="Chen et al. 2026, Window-Based Comparison (arXiv 2601.02751), sliding windows and sign votes",
)
@_on_common_tokens
def wbc(target: Array, reference: Array, ranks: Array) -> float:
    """Share of token windows in which the target is likelier than the reference, mean over window widths.

    Windows whose sums are equal count one half, so that a model against itself gives 1/2. Widths above the number of
    tokens are left out (clamping them would count the whole text again and again).
    """
    difference = target - reference
    if difference.size < WIDTHS[0]:
        return Missing(f"fewer than {WIDTHS[0]} scored tokens")
    sums = np.concatenate([[0.0], np.cumsum(difference)])
    votes = [np.sign(sums[width:] - sums[:-width]).mean() for width in WIDTHS if width <= difference.size]
    return 0.5 + 0.5 * float(np.mean(votes))


@feature(
    name="ez-mia",
    family="reference",
    views=BOTH,
    direction=1,
    sets=SETS,
    source="Ilic et al. 2026, EZ-MIA, error-zone score; bounded form (P - N) / (P + N) of its P / N",
)
@_on_common_tokens
def ez_mia(target: Array, reference: Array, ranks: Array) -> float:
    """Balance of gains and losses against the reference where the target errs, between -1 and 1.

    Over the tokens that are not the target's first choice: P sums d where positive, N sums -d where negative. The
    published P / N is unbounded, and text and code disagree where N = 0. Missing where the target never errs.
    """
    errors = ranks > 0
    if not errors.any():
        return Missing("every token is the target's first choice")
    difference = (target - reference)[errors]
    return float(difference.sum() / (np.abs(difference).sum() + 1e-9))


@feature(
    name="rare-token-gap",
    family="reference",
    views=BOTH,
    direction=1,
    sets=SETS,
    source="Reference difference weighted to rare tokens; not a published attack of its own",
)
@_on_common_tokens
def rare_token_gap(target: Array, reference: Array, ranks: Array) -> float:
    """Mean of d over the tokens that the reference finds less likely than its median token, in nats per token."""
    rare = reference < np.median(reference)
    if not rare.any():
        return Missing("no token is rarer than the median")
    return float((target - reference)[rare].mean())


@feature(
    name="reference-ratio",
    family="reference",
    views=BOTH,
    direction=1,
    sets=("extra",),
    source="Meeus et al. 2024, Copyright Traps (arXiv 2402.09363), ratio attack, as loss over loss",
)
@_on_common_tokens
def reference_ratio(target: Array, reference: Array, ranks: Array) -> float:
    """Loss under the reference over loss under the target, of the same tokens; a pure number."""
    if not target.any():
        return Missing("the target's loss is zero")
    return float(reference.sum() / target.sum())
