"""Rounding the weights: what was pushed aside by small changes may come back when small changes are rounded away.

Source: Zhang et al. 2025, Catastrophic Failure of LLM Unlearning via Quantization (arXiv 2410.16454).
"""

from __future__ import annotations

from auditor.forgetting.relearn.intervention import Intervention, InterventionContext, copy_of
from auditor.forgetting.relearn.probes.reminder import LEAST
from auditor.models.changes import Rounding
from auditor.results.forgetting.measurements import InterventionMeasurements


def run(case: InterventionContext) -> InterventionMeasurements | str:
    """Round the weights of the linear layers, all but those of the output layer, and score every document once."""
    if not case.facts.rounded_layers:
        return "the rounding was left out: the model has no linear layer whose weights could be rounded"
    if why := case.too_few("the rounding", LEAST):
        return why
    rounding, roles = Rounding(case.budget.bits, case.budget.group), case.compared(LEAST)
    method = (
        f"rounding to {rounding.bits} bits, symmetric, one scale for {rounding.group} weights along the input, of"
        f" {case.facts.rounded_layers} linear layers ({case.facts.rounded_share:.0%} of all parameters);"
        " embeddings and output layer as they are"
    )
    after = case.bench.losses_rounded(rounding, case.documents(*roles))
    return InterventionMeasurements(
        name="quantise", method=method, roles=roles, steps=(1,), copies=(copy_of(roles, after),)
    )


QUANTISE = Intervention("quantise", run)
