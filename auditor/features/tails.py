"""Features of the least and the most likely tokens of a text."""

from __future__ import annotations

from functools import partial

import numpy as np

from auditor.features._tokens import at_least, highest_mean, logprobs, lowest_mean, tail_size
from auditor.features.feature import Feature, Missing, feature
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import TARGET

PERCENTS = (5, 10, 20, 30, 40, 50, 60)
SURP_SHARE = 0.4
SURP_ENTROPY = 2.0


@at_least(1)
def _min_k(signals: TokenSignals, *, share: float) -> float:
    """Mean log-probability of the least likely ceil(share * n) tokens, in nats."""
    return lowest_mean(logprobs(signals), share)


@at_least(1)
def _max_k(signals: TokenSignals, *, share: float) -> float:
    """Mean log-probability of the most likely ceil(share * n) tokens, in nats."""
    return highest_mean(logprobs(signals), share)


def _sets(percent: int) -> frozenset[str]:
    return frozenset({"llm-di", "default", "single-pass"} if percent == 20 else {"llm-di"})


MIN_K = tuple(
    Feature(
        name=f"min-k-{percent}",
        family="tails",
        views=(TARGET,),
        direction=1,
        source="Shi et al. 2024, Detecting Pretraining Data (arXiv 2310.16789), section 3, Min-K% Prob",
        summary=f"Mean log-probability of the {percent} % least likely tokens (at least one), in nats.",
        sets=_sets(percent),
        compute=partial(_min_k, share=percent / 100),
    )
    for percent in PERCENTS
)

# The LLM-DI code exchanges the two names: its `k_min_probs` sorts losses upwards and so takes the most likely tokens.
MAX_K = tuple(
    Feature(
        name=f"max-k-{percent}",
        family="tails",
        views=(TARGET,),
        direction=1,
        source="Maini et al. 2024, LLM Dataset Inference (arXiv 2406.06443), feature list, Max-K% Prob",
        summary=f"Mean log-probability of the {percent} % most likely tokens (at least one), in nats.",
        sets=_sets(percent),
        compute=partial(_max_k, share=percent / 100),
    )
    for percent in PERCENTS
)


@feature(
    name="surp",
    family="tails",
    direction=1,
    sets=("extra",),
    source="Zhang & Wu 2024, Adaptive Pre-training Data Detection via Surprising Tokens (arXiv 2407.21248)",
)
@at_least(1)
def surp(signals: TokenSignals) -> float:
    """Mean log-probability of surprising tokens: among the 40 % least likely, where the entropy is under 2 nats.

    Missing, not a constant, where no token is both.
    """
    values = logprobs(signals)
    size = tail_size(values.size, SURP_SHARE)
    threshold = np.partition(values, size - 1)[size - 1]
    chosen = (values <= threshold) & (-signals.mean.astype(np.float64) < SURP_ENTROPY)
    return float(values[chosen].mean()) if chosen.any() else Missing("no surprising tokens")
