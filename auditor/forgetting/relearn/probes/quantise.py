"""Rounding the weights: what was pushed aside by small changes may come back when small changes are rounded away.

Source: Zhang et al. 2025, Catastrophic Failure of LLM Unlearning via Quantization (arXiv 2410.16454).
"""

from __future__ import annotations

from auditor.forgetting.findings.relearning import Probe
from auditor.forgetting.relearn.finding import finding
from auditor.forgetting.relearn.intervention import Case, Intervention
from auditor.forgetting.relearn.probes.reminder import LEAST, ROLES, same_model
from auditor.models.changes import Rounding


def run(case: Case) -> Probe | str:
    """Round the weights of the linear layers, all but those of the output layer, and score every document once."""
    if not case.facts.rounded_layers:
        return "the rounding was left out: the model has no linear layer whose weights could be rounded"
    if why := case.too_few("the rounding", LEAST):
        return why
    rounding = Rounding(case.budget.bits, case.budget.group)
    after = case.bench.losses_rounded(rounding, case.documents(*ROLES))
    method = (
        f"rounding to {rounding.bits} bits, symmetric, one scale for {rounding.group} weights along the input, of"
        f" {case.facts.rounded_layers} linear layers ({case.facts.rounded_share:.0%} of all parameters);"
        " embeddings and output layer as they are"
    )
    return finding(case, "quantise", method, (1,), *same_model(case, after))


QUANTISE = Intervention("quantise", 3, run)
