"""A power analysis as plain text for the screen; it computes no figure."""

from __future__ import annotations

import textwrap

from auditor.power.pilot import Pilot
from auditor.power.sample_size import PowerAnalysis

_WIDTH = 100
_NONE = "nothing"


def power_text(analysis: PowerAnalysis) -> str:
    """The groups needed and what they rest on, in lines of at most 100 characters."""
    lines = ["Groups a side (documents where each is a group of its own):", *_needs(analysis), ""]
    if analysis.pilot is not None:
        lines += [*_pilot(analysis, analysis.pilot), ""]
    return "\n".join([*lines, "What this rests on:", *(_item(text) for text in assumptions(analysis))]) + "\n"


def assumptions(analysis: PowerAnalysis) -> tuple[str, ...]:
    """The assumptions of the figures, one or two sentences each."""
    tests = (
        f" = {analysis.alpha:g} / {analysis.audits}, the strictest level of Holm's correction"
        if analysis.audits > 1
        else ""
    )
    return (
        f"The effect is the AUC of the mean of the oriented features, {analysis.effect:.3g}, not of the learned score "
        "or of one feature. An effect in few features must be larger to be detected.",
        f"Level {analysis.level:.3g}{tests}, power {analysis.power:.0%}. The test is the largest of several "
        f"statistics: its critical value is {analysis.critical_z:.2f} for {analysis.columns} features in "
        f"{analysis.families} families, "
        + (
            "simulated by the engine for independent features, where it is highest."
            if analysis.critical_z_from == "simulated rows"
            else "that of the pilot, rescaled to this level."
        ),
        "A check counts once in --audits. A forget counts its checkpoints, in a batch times its hypotheses: 2, or "
        "3 with relearn.",
        "The unit is the group (book, author, site), not the document or the window, and groups are independent. "
        "Both sides have the same number of groups.",
        "EVIDENCE is simulated with texts that are alike: features that share half their variance for the smaller "
        f"number, independent ones for the larger. Simulations are seeded ({analysis.seed}) and err upwards, by a "
        "tenth or two.",
        f"No verdict but INCONCLUSIVE is given below {analysis.minimum_groups} groups a side. No number of groups "
        "repairs sets that differ by more than training.",
    )


def _needs(analysis: PowerAnalysis) -> list[str]:
    evidence = [_count(analysis.evidence_correlated, analysis), _count(analysis.evidence_independent, analysis)]
    rows = (
        (
            _count(analysis.test, analysis),
            f"for the test to reject with {analysis.power:.0%} power at an AUC of {analysis.effect:.3g}",
        ),
        (
            evidence[0] if evidence[0] == evidence[1] else " to ".join(evidence),
            "for EVIDENCE without a reference, where the excess guard must find more than text does",
        ),
        (
            _count(analysis.no_evidence, analysis),
            f"for NO EVIDENCE, which needs the power to detect an AUC of {analysis.required_auc:.3g}",
        ),
    )
    width = max(len(number) for number, _ in rows)
    return [f"  {number:>{width}}  {what}" for number, what in rows]


def _pilot(analysis: PowerAnalysis, pilot: Pilot) -> list[str]:
    sides = f"{pilot.groups_suspect} suspect and {pilot.groups_heldout} held-out groups"
    texts = [
        f"The pilot has {sides}. The mean of its features has an AUC of {pilot.effect:.2f}, 95% interval "
        f"{pilot.effect_low:.2f} to {pilot.effect_high:.2f}. A pilot's effect is uncertain, and too large on average "
        "where it was followed up because it looked large. Its p-value is not used.",
    ]
    if analysis.test_range is not None:
        ends = [
            "more than any audit has" if end is None else f"{end:,}"
            for end in (analysis.test_range.high, analysis.test_range.low)
        ]
        texts.append(
            f"Over that interval the test needs from {ends[0]} to {ends[1]} groups a side. "
            "Better, give --effect: the smallest effect that would matter."
        )
    texts.append(_more(analysis, pilot))
    if pilot.failed_guards:
        texts.append(
            f"Guards failed in the pilot ({', '.join(pilot.failed_guards)}). More documents of the same kind "
            "do not repair that: see its report first."
        )
    return ["The pilot:", *(_item(text) for text in texts)]


def _more(analysis: PowerAnalysis, pilot: Pilot) -> str:
    if analysis.test is None:
        return "No audit is large enough for this effect."
    few, many = (
        _missing(groups, analysis, pilot) for groups in (analysis.evidence_correlated, analysis.evidence_independent)
    )
    lacking = {
        "EVIDENCE": few
        if few == many
        else f"{few} where features share half their variance and {many} where they are independent",
        "NO EVIDENCE": _missing(analysis.no_evidence, analysis, pilot),
        "the test alone, which gives no verdict": _missing(analysis.test, analysis, pilot),
    }
    text = "; ".join(f"for {what}, {missing}" for what, missing in lacking.items())
    text = f"What the pilot lacks: {text}."
    if set(lacking.values()) == {_NONE}:
        return text
    return (
        f"{text} To test the pilot's groups again together with new ones is a second look at them: give "
        f"--audits {2 * analysis.audits} and hold its p-value against half the level. An audit of new groups "
        "only needs no correction."
    )


def _missing(groups: int | None, analysis: PowerAnalysis, pilot: Pilot) -> str:
    """The groups that a pilot lacks of a number a side."""
    if groups is None:
        return f"{_count(None, analysis)} groups a side in all"
    needed = max(groups, analysis.minimum_groups)
    suspect, heldout = (max(0, needed - there) for there in (pilot.groups_suspect, pilot.groups_heldout))
    return f"{suspect:,} suspect and {heldout:,} held-out groups more" if suspect or heldout else _NONE


def _count(groups: int | None, analysis: PowerAnalysis) -> str:
    if groups is None:
        return (
            "more than 1,000,000,000"
            if analysis.test is None
            else f"over {4 * max(analysis.test, analysis.minimum_groups):,}"
        )
    return f"{max(groups, analysis.minimum_groups):,}"


def _item(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
