"""A model that cannot have seen the published text must show nothing."""

from __future__ import annotations

from auditor.core.text import shorten
from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition


@condition(
    name="control",
    order=100,
    question="Does a reference alone show nothing in the same test?",
    needs_scores=True,
    materials=("plan", "identifiers"),
)
def control(case: DealtCase) -> Finding:
    """Compare the p-value under each reference alone with its share of the level."""
    natural = case.material == "identifiers"
    if not case.controls and natural:
        return Finding(
            "not run", "No reference was given; the p-value needs none.", "Name an older model with --reference."
        )
    if not case.controls:
        return Finding(
            "not run",
            "No reference was given, so nothing tests whether the coins leaked.",
            "Name a model that cannot have seen the published text with --reference.",
        )
    level = case.commitment.test.alpha / len(case.controls)
    label, least = min(((label, one.p_combined) for label, one in case.controls.items()), key=lambda pair: pair[1])
    named = shorten(label, 60)
    if least <= level and natural:
        return Finding(
            "failed",
            f"The reference {named} prefers the identifiers as well (p = {least:.2g}, level {level:.3g}): it has seen "
            "them too, or they are not of the law that they seem to be.",
            "Name a reference that is older than the identifiers.",
        )
    if least <= level:
        return Finding(
            "failed",
            f"The reference {named} prefers what was published as well (p = {least:.2g}, level {level:.3g}): it saw "
            "the published text, or the coins followed from something that models know.",
            "Name a reference from before the text was published; where it is, do not trust this deal.",
        )
    return Finding("passed", f"Under the reference {named} alone p = {least:.2g}, above the level of {level:.3g}.")
