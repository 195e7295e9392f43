"""Features of the log-probability against the model's expectation at that token."""

from __future__ import annotations

import numpy as np

from auditor.features._tokens import at_least, logprobs, lowest_mean
from auditor.features.feature import Missing, feature
from auditor.signals.tokens import TokenSignals

SHARE = 0.2
STD_FLOOR = 1e-3


@feature(
    name="min-k-plus-plus",
    family="calibrated",
    direction=1,
    sets=("default", "single-pass"),
    source="Zhang et al. 2025, Min-K%++ (arXiv 2404.02936), the score with k = 20 %",
)
@at_least(1)
def min_k_plus_plus(signals: TokenSignals) -> float:
    """Mean of the lowest 20 % of z = (l - mu) / s, in standard deviations; mu and s over v ~ p.

    Where the model is certain, s vanishes and z is 0/0. As p(x_t) goes to 1, z goes to 0, so s has a floor of 1e-3
    nats, which gives those tokens their limit 0 up to rounding; leaving them out would drop the best-known tokens and
    change which are the lowest 20 %. The floor also keeps float32 noise in l - mu from being magnified. If s is 0 at
    every token nothing is standardised, and the feature is missing.
    """
    std = signals.std.astype(np.float64)
    if not std.any():
        return Missing("no spread over the vocabulary at any token")
    scores = (logprobs(signals) - signals.mean.astype(np.float64)) / np.maximum(std, STD_FLOOR)
    return lowest_mean(scores, SHARE)


@feature(
    name="excess-surprisal",
    family="calibrated",
    direction=1,
    sets=("default", "single-pass"),
    source="Numerator of Min-K%++ (arXiv 2404.02936) over all tokens; not a published attack of its own",
)
@at_least(1)
def excess_surprisal(signals: TokenSignals) -> float:
    """Mean of l - mu, in nats per token: how much likelier the text is than a draw from the model at each token."""
    return float((logprobs(signals) - signals.mean.astype(np.float64)).mean())
