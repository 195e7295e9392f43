"""Quantisation: rounding the weights removes small changes, and may recover what small changes suppressed.

Source: Zhang et al. 2025, Catastrophic Failure of LLM Unlearning via Quantization (arXiv 2410.16454).
"""

from __future__ import annotations

from auditor.forgetting.relearn.intervention import Intervention, InterventionContext, copy_of
from auditor.forgetting.relearn.probes.reminder import LEAST
from auditor.models.changes import Rounding
from auditor.results.forgetting.measurements import InterventionMeasurements


def run(context: InterventionContext) -> InterventionMeasurements | str:
    """Round the weights of all linear layers but the output layer, and score every document once."""
    if not context.facts.rounded_layers:
        return "quantise did not run: the model has no linear layer whose weights could be rounded"
    if reason := context.too_few("quantise", LEAST):
        return reason
    rounding, roles = Rounding(context.budget.bits, context.budget.group), context.compared(LEAST)
    method = (
        f"rounding to {rounding.bits} bits, symmetric, one scale for {rounding.group} weights along the input, of"
        f" {context.facts.rounded_layers} linear layers ({context.facts.rounded_share:.0%} of all parameters);"
        " embeddings and output layer unchanged"
    )
    after = context.runner.losses_rounded(rounding, context.documents(*roles))
    return InterventionMeasurements(
        name="quantise", method=method, roles=roles, steps=(1,), copies=(copy_of(roles, after),)
    )


QUANTISE = Intervention("quantise", run)
