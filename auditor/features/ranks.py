"""Features of the rank of each token; they do not change with temperature."""

from __future__ import annotations

import numpy as np

from auditor.features._tokens import at_least
from auditor.features.feature import feature
from auditor.signals.tokens import TokenSignals


@feature(
    name="top-1-rate",
    family="ranks",
    direction=1,
    sets=("default", "single-pass"),
    source="Gehrmann et al. 2019, GLTR (arXiv 1906.04043), rank buckets, here top 1",
)
@at_least(1)
def top_1_rate(signals: TokenSignals) -> float:
    """Share of tokens that are the model's first choice (no entry strictly likelier)."""
    return float((signals.rank == 0).mean())


@feature(
    name="top-10-rate",
    family="ranks",
    direction=1,
    sets=("extra",),
    source="Gehrmann et al. 2019, GLTR (arXiv 1906.04043), rank buckets, here top 10",
)
@at_least(1)
def top_10_rate(signals: TokenSignals) -> float:
    """Share of tokens among the model's ten first choices."""
    return float((signals.rank < 10).mean())


@feature(
    name="log-rank",
    family="ranks",
    direction=-1,
    sets=("default", "single-pass"),
    source="Mitchell et al. 2023, DetectGPT (arXiv 2301.11305), log-rank baseline",
)
@at_least(1)
def log_rank(signals: TokenSignals) -> float:
    """Mean of log(1 + rank), in nats, rank 0 the first choice; lower is more member-like."""
    return float(np.log1p(signals.rank.astype(np.float64)).mean())
