"""A batch proves something once: whoever has seen it open can train on its candidates."""

from __future__ import annotations

from auditor.core.text import amount
from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition


@condition(
    name="opened", order=40, question="Is this the first model that the batch is opened for?", materials=("plan",)
)
def opened(case: DealtCase) -> Finding:
    """Compare the list of opened batches with the number of the model."""
    others, look = case.measurements.other_models, case.settings.look
    if others == 0:
        return Finding("passed", "The batch was opened for no other model, as far as the owner's list says.")
    before = f"The batch was opened for {amount(others, 'other model')} before"
    if look <= others:
        return Finding(
            "failed",
            f"{before}: each further test is another chance of a false alarm, and whoever saw the batch could have "
            "trained on it.",
            f"Open another batch with --batch, or say with --look {others + 1} that this is the next of several "
            "models, none of whose makers has seen it.",
        )
    return Finding(
        "warning",
        f"{before}, and a share of the level is spent on this one; that the others had shares too (--look), and that "
        "its makers have not seen the batch, is the owner's word.",
        "Open another batch with --batch.",
    )
