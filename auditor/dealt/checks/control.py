"""A reference must know neither what was published nor what was withheld."""

from __future__ import annotations

from auditor.core.text import shorten
from auditor.dealt.case import DealtCase
from auditor.dealt.check import Finding, condition
from auditor.results.guards import GuardFigure


@condition(
    name="control",
    order=100,
    question="Does a reference alone show nothing in the same test?",
    needs_scores=True,
    materials=("plan", "identifiers"),
)
def control(case: DealtCase) -> Finding:
    """Compare the p-values under each reference alone, of both directions, with its share of the level.

    The scores of a reference are subtracted: one that prefers what was withheld makes any model seem to prefer what was
    published.
    """
    natural = case.material == "identifiers"
    if not case.controls and natural:
        return Finding(
            "not run", "No reference was given; the p-value needs none.", "Name an older model with --reference."
        )
    if not case.controls:
        return Finding(
            "not run",
            "No reference was given, so nothing tests whether the coins leaked.",
            "Name a model that cannot know the published or the withheld text with --reference.",
        )
    level = case.commitment.test.alpha / len(case.controls)
    mine = {label: min(1.0, 2 * one.p_combined) for label, one in case.controls.items()}
    others = {label: min(1.0, 2 * p_value) for label, p_value in case.opposites.items()}
    figures = tuple(
        GuardFigure(name=f"{label}: p-value that it prefers the other side", value=p_value, limit=level)
        for label, p_value in others.items()
    )
    label, opposed = min(others.items(), key=lambda pair: pair[1])
    named = shorten(label, 60)
    if opposed <= level:
        what = "the decoys" if natural else "what was withheld"
        return Finding(
            "failed",
            f"The reference {named} prefers {what} (p = {opposed:.2g}, level {level:.3g}): it knows the "
            f"{'other' if natural else 'withheld'} side, and any model less it seems to prefer the first.",
            "Name a reference that knows neither side.",
            figures,
        )
    label, least = min(mine.items(), key=lambda pair: pair[1])
    named = shorten(label, 60)
    if least <= level and natural:
        return Finding(
            "failed",
            f"The reference {named} prefers the identifiers as well (p = {least:.2g}, level {level:.3g}): it has seen "
            "them too, or they are not of the law that they seem to be.",
            "Name a reference that is older than the identifiers.",
            figures,
        )
    if least <= level:
        return Finding(
            "failed",
            f"The reference {named} prefers what was published as well (p = {least:.2g}, level {level:.3g}): it saw "
            "the published text, or the coins followed from something that models know.",
            "Name a reference from before the text was published; where it is, do not trust this deal.",
            figures,
        )
    return Finding(
        "passed",
        f"Under the reference {named} alone p = {least:.2g}, for the other side {min(others.values()):.2g} (both "
        "doubled), "
        f"above the level of {level:.3g}.",
        figures=figures,
    )
