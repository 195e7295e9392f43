"""Features of how the loss falls along the text.

No direction is claimed: a text recognised from its first words has little left to lose (flat), a text recognised only
once enough context is read falls faster than others (steep). Which of the two wins depends on the model and the text.
"""

from __future__ import annotations

import numpy as np

from auditor.features._tokens import at_least, logprobs
from auditor.features.feature import Missing, feature
from auditor.signals.tokens import TokenSignals

CHANG = "Chang et al. 2025, Context-Aware Membership Inference (arXiv 2409.13745), per-token loss trajectory"
SAME_CONTEXT = "all tokens have the same amount of context"


@feature(
    name="loss-slope",
    family="trajectory",
    direction=0,
    sets=("default", "single-pass"),
    source=f"{CHANG}; over the logarithm of the context, which is ours",
)
@at_least(2)
def loss_slope(signals: TokenSignals) -> float:
    """Least-squares slope of the loss over log2(1 + context), in nats per doubling of the context.

    The logarithm makes texts of different length comparable. The context is counted within each window. No direction:
    memorised texts may start low (flat) or be recognised on the way (steep).
    """
    context = np.log2(1.0 + signals.positions.astype(np.float64))
    context -= context.mean()
    spread = float(context @ context)
    if spread <= 1e-12:
        return Missing(SAME_CONTEXT)
    return -float(context @ logprobs(signals)) / spread


@feature(name="early-late-gap", family="trajectory", direction=0, sets=("extra",), source=f"{CHANG}; cut at the median")
@at_least(2)
def early_late_gap(signals: TokenSignals) -> float:
    """Mean loss of the tokens with at most the median context minus that of the others, in nats.

    The context is counted within each window. No direction, as for `loss-slope`, of which it is a coarser form.
    """
    early = signals.positions <= np.median(signals.positions)
    if early.all():
        return Missing(SAME_CONTEXT)
    values = logprobs(signals)
    return float(values[~early].mean() - values[early].mean())
