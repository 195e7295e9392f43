"""A model that is older than the file must not prefer its order, or the order has a structure that no coin made."""

from __future__ import annotations

from auditor.core.text import shorten
from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition

LEVEL = 0.05
"""Of each reference: far above that of the test, as a file that is wrongly refused costs less than a false finding."""

STRUCTURE = "Structure that only a language model sees is not excluded, as no older model went through the same test."


@condition(
    name="structure",
    order=105,
    question="Does a model that is older than the file show nothing in the same test?",
    needs_scores=True,
    materials=("order",),
)
def structure(case: DealtCase) -> Finding:
    """Compare the p-value under each reference alone with 0.05."""
    if not case.controls:
        return Finding("warning", STRUCTURE, "Name a model that is older than the file with --reference.")
    label, least = min(((label, one.p_combined) for label, one in case.controls.items()), key=lambda pair: pair[1])
    named = shorten(label, 60)
    if least <= LEVEL:
        return Finding(
            "failed",
            f"The reference {named} prefers the order of the file as well (p = {least:.2g}, level {LEVEL:g}): the "
            "order has a structure, or the reference has seen the file.",
            "Name a reference that is older than the file; where it is, this order was not random.",
        )
    label, opposed = min(case.opposites.items(), key=lambda pair: pair[1])
    if opposed <= case.commitment.test.alpha / len(case.opposites):
        return Finding(
            "failed",
            f"The reference {shorten(label, 60)} prefers other orders (p = {opposed:.2g}): any model less such a "
            "reference seems to prefer the order of the file.",
            "Name a reference that knows neither the file nor the orders that it is compared with.",
        )
    return Finding("passed", f"Under the reference {named} alone p = {least:.2g}, above {LEVEL:g}.")
