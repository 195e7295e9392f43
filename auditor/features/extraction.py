"""Features of verbatim reproduction, teacher-forced: nothing is generated."""

from __future__ import annotations

import numpy as np

from auditor.features._tokens import at_least, logprobs
from auditor.features.feature import Missing, feature
from auditor.signals.tokens import TokenSignals

PREFIX_TOKENS = 32


@feature(
    name="extraction-logprob",
    family="extraction",
    direction=1,
    sets=("default", "single-pass"),
    source="Hayes et al. 2025, Measuring memorization through probabilistic discoverable extraction (arXiv 2410.19482)",
)
@at_least(1)
def extraction_logprob(signals: TokenSignals) -> float:
    """Log-probability of reproducing what follows the first 32 tokens of context, in nats per token.

    The product of the teacher-forced probabilities is the chance that sampling gives the suffix verbatim. In each
    window of a long document the tokens with at least 32 tokens before them count (a BOS token is one of the 32). The
    mean, not the sum, so that length does not matter.
    """
    suffix = signals.positions >= PREFIX_TOKENS
    if not suffix.any():
        return Missing(f"no token with {PREFIX_TOKENS} tokens of context")
    return float(logprobs(signals)[suffix].mean())


@feature(
    name="longest-run",
    family="extraction",
    direction=1,
    sets=("default", "single-pass"),
    source="Carlini et al. 2023, Quantifying Memorization (arXiv 2202.07646), greedy extraction, here teacher-forced",
)
@at_least(1)
def longest_run(signals: TokenSignals) -> float:
    """Longest run of first choices, in tokens: as much as greedy decoding would reproduce in one piece.

    A run ends with its window, where the context starts again. A maximum grows with the length of the text, so the
    two sides of an audit must have similar lengths.
    """
    hit = signals.rank == 0
    starts_run = np.ones(len(signals), dtype=np.bool_)
    starts_run[1:] = (hit[1:] != hit[:-1]) | (np.diff(signals.positions) != 1)
    edges = np.flatnonzero(starts_run)
    lengths = np.diff(np.append(edges, len(signals)))
    return float(lengths[hit[edges]].max(initial=0))
