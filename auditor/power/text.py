"""A plan as plain text for the screen; every figure in it is in the plan."""

from __future__ import annotations

import textwrap

from auditor.power.pilot import Pilot
from auditor.power.plan import Plan

_WIDTH = 100
_NONE = "nothing"


def plan_text(plan: Plan) -> str:
    """The plan in words, lines of at most 100 characters."""
    lines = ["Groups a side (documents where each is a group of its own):", *_needs(plan), ""]
    if plan.pilot is not None:
        lines += [*_pilot(plan, plan.pilot), ""]
    return "\n".join([*lines, "What this rests on:", *(_item(text) for text in assumptions(plan))]) + "\n"


def assumptions(plan: Plan) -> tuple[str, ...]:
    """What the figures assume, one sentence or two each."""
    tests = f" = {plan.alpha:g} / {plan.audits}, the strictest level of Holm's correction" if plan.audits > 1 else ""
    return (
        f"The effect is the AUC of the mean of the oriented features, {plan.effect:.3g}, not of the learned score or "
        "of one feature. An effect in few features must be larger to be seen.",
        f"Level {plan.level:.3g}{tests}, power {plan.power:.0%}. The test is the largest of several statistics: its "
        f"critical value is {plan.critical_z:.2f} for {plan.columns} features in {plan.families} families, "
        + (
            "found by the engine on simulated rows of independent features, where it is highest."
            if plan.bar_from == "simulated rows"
            else "as the pilot had it, carried to this level."
        ),
        "A check counts once in --audits. A forget counts its checkpoints, and in a batch that times its ways to "
        "EVIDENCE: 2, or 3 with relearn.",
        "The unit is the group (book, author, site), not the document or the window, and groups are independent. "
        "Both sides have the same number of groups.",
        "EVIDENCE is simulated with texts that are alike: features that share half their variance for the smaller "
        f"number, independent ones for the larger. Simulations are seeded ({plan.seed}) and err upwards, by a tenth "
        "or two.",
        f"No verdict but INCONCLUSIVE is given below {plan.minimum} groups a side. No number of groups mends sets "
        "that differ by more than training.",
    )


def _needs(plan: Plan) -> list[str]:
    evidence = [_count(plan.evidence_common, plan), _count(plan.evidence_apart, plan)]
    rows = (
        (_count(plan.test, plan), f"for the test to reject with {plan.power:.0%} power at an AUC of {plan.effect:.3g}"),
        (
            evidence[0] if evidence[0] == evidence[1] else " to ".join(evidence),
            "for EVIDENCE, where the excess guard must see more than text explains",
        ),
        (
            _count(plan.no_evidence, plan),
            f"for NO EVIDENCE, which must have been able to see an AUC of {plan.required_auc:.3g}",
        ),
    )
    width = max(len(number) for number, _ in rows)
    return [f"  {number:>{width}}  {what}" for number, what in rows]


def _pilot(plan: Plan, pilot: Pilot) -> list[str]:
    sides = f"{pilot.groups_suspect} suspect and {pilot.groups_heldout} held-out groups"
    said = [
        f"The pilot has {sides}. The mean of its features has an AUC of {pilot.effect:.2f}, 95% interval "
        f"{pilot.effect_low:.2f} to {pilot.effect_high:.2f}. A pilot's effect is uncertain, and too large on average "
        "where it was followed up because it looked large. Its p-value is not used.",
    ]
    if plan.range is not None:
        ends = ["more than any audit has" if end is None else f"{end:,}" for end in (plan.range.high, plan.range.low)]
        said.append(
            f"Over that interval the test needs from {ends[0]} to {ends[1]} groups a side. "
            "Better, give --effect: the smallest effect that would matter."
        )
    said.append(_more(plan, pilot))
    if pilot.failed_guards:
        said.append(
            f"Guards failed in the pilot ({', '.join(pilot.failed_guards)}). More documents of the same kind "
            "will not mend that: see its report first."
        )
    return ["The pilot:", *(_item(text) for text in said)]


def _more(plan: Plan, pilot: Pilot) -> str:
    if plan.test is None:
        return "No audit is large enough for this effect."
    few, many = (_missing(groups, plan, pilot) for groups in (plan.evidence_common, plan.evidence_apart))
    asked = {
        "EVIDENCE": few
        if few == many
        else f"{few} where features share half their variance and {many} where they are independent",
        "NO EVIDENCE": _missing(plan.no_evidence, plan, pilot),
        "the test alone, which gives no verdict": _missing(plan.test, plan, pilot),
    }
    said = "; ".join(f"for {what}, {missing}" for what, missing in asked.items())
    said = f"What the pilot lacks: {said}."
    if set(asked.values()) == {_NONE}:
        return said
    return (
        f"{said} To test the pilot's groups again together with new ones is a second look at them: plan it with "
        f"--audits {2 * plan.audits}, and hold its p-value against half the level. An audit of new groups only needs "
        "no correction."
    )


def _missing(groups: int | None, plan: Plan, pilot: Pilot) -> str:
    """What a pilot lacks of a number of groups a side."""
    if groups is None:
        return f"{_count(None, plan)} groups a side in all"
    needed = max(groups, plan.minimum)
    suspect, heldout = (max(0, needed - there) for there in (pilot.groups_suspect, pilot.groups_heldout))
    return f"{suspect:,} suspect and {heldout:,} held-out groups more" if suspect or heldout else _NONE


def _count(groups: int | None, plan: Plan) -> str:
    if groups is None:
        return "more than 1,000,000,000" if plan.test is None else f"over {4 * max(plan.test, plan.minimum):,}"
    return f"{max(groups, plan.minimum):,}"


def _item(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
