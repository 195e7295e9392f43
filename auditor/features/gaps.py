"""Features of the gap between a token and the top choice of the model."""

from __future__ import annotations

import numpy as np

from auditor.features._tokens import at_least, logprobs, lowest_mean
from auditor.features.calibrated import STD_FLOOR
from auditor.features.feature import Missing, feature
from auditor.signals.tokens import TokenSignals

WINDOW = 6
SHARE = 0.2


@feature(
    name="gap-k",
    family="calibrated",
    direction=1,
    sets=("default", "single-pass"),
    source="Gap-K% 2026 (arXiv 2601.19936, ACL 2026), with windows of 6 tokens and k = 20 %",
)
@at_least(1)
def gap_k(signals: TokenSignals) -> float:
    """Mean of the lowest 20 % of g = (l - max log p) / s, averaged over 6 tokens each; in standard deviations.

    g is 0 where the token is the top choice of the model. It is averaged over every run of 6 tokens, as surprises
    of memorised text come alone and those of other text in a row; a shorter text is one run. s has the floor of
    `min-k-plus-plus` and the feature is missing where that one is.
    """
    std = signals.std.astype(np.float64)
    if not std.any():
        return Missing("no spread over the vocabulary at any token")
    gaps = (logprobs(signals) - signals.max_logprob.astype(np.float64)) / np.maximum(std, STD_FLOOR)
    width = min(WINDOW, gaps.size)
    return lowest_mean(np.convolve(gaps, np.full(width, 1 / width), mode="valid"), SHARE)
