"""Features of the least and the most likely tokens of a text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from auditor.features._tokens import Array, at_least, highest_mean, logprobs, lowest_mean, tail_size
from auditor.features.feature import Feature, Missing, feature
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import TARGET

PERCENTS = (5, 10, 20, 30, 40, 50, 60)
SURP_SHARE = 0.4
SURP_ENTROPY = 2.0


def _tail_features(name: str, which: str, mean: Callable[[Array, float], float], source: str) -> tuple[Feature, ...]:
    """Mean log-probability of ceil(share * n) tokens, in nats: a feature for each share of `PERCENTS`."""

    @at_least(1)
    def compute(signals: TokenSignals, *, share: float) -> float:
        return mean(logprobs(signals), share)

    return tuple(
        Feature(
            name=f"{name}-{percent}",
            family="tails",
            views=(TARGET,),
            direction=1,
            source=source,
            summary=f"Mean log-probability of the {percent} % {which} likely tokens (at least one), in nats.",
            sets=frozenset({"llm-di", "default", "single-pass"} if percent == 20 else {"llm-di"}),
            compute=partial(compute, share=percent / 100),
        )
        for percent in PERCENTS
    )


MIN_K = _tail_features(
    "min-k",
    "least",
    lowest_mean,
    "Shi et al. 2024, Detecting Pretraining Data (arXiv 2310.16789), section 3, Min-K% Prob",
)

# The LLM-DI code exchanges the two names: its `k_min_probs` sorts losses upwards and so takes the most likely tokens.
MAX_K = _tail_features(
    "max-k",
    "most",
    highest_mean,
    "Maini et al. 2024, LLM Dataset Inference (arXiv 2406.06443), feature list, Max-K% Prob",
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
