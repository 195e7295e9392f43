"""The power of a plan as plain text for the screen; it computes no figure."""

from __future__ import annotations

import textwrap

from auditor.power.plants import CoinUnits, PlanPower
from auditor.provenance.records import DesignName

_WIDTH = 100
_UNITS: dict[DesignName, str] = {
    "canaries": "canaries",
    "twins": "documents with two versions",
    "holdout": "documents, published and withheld together",
    "choice": "units of which one form is published",
    "order": "blocks of rows",
}
_COINS = {
    "beacon": "coins from a beacon, commitment public before",
    "stamped": "coins from a beacon, commitment time-stamped in private",
    "alone": "coins of the owner alone, time-stamped",
}


def plan_text(plan: PlanPower) -> str:
    """The units needed and what they rest on, in lines of at most 100 characters."""
    width = max(len(_count(entry.units)) for entry in plan.by_coins)
    lines = [
        f"{_UNITS[plan.design].capitalize()} for {plan.power:.0%} power at an AUC of {plan.effect:.3g}:",
        *(f"{_mark(entry, plan)} {_count(entry.units):>{width}}  {_surcharge(entry)}" for entry in plan.by_coins),
        "",
    ]
    if plan.copies > 1 and plan.documents is not None:
        lines += [f"{plan.documents:,} documents carry one, {plan.copies} each.", ""]
    return "\n".join([*lines, "What this rests on:", *(_item(text) for text in plan_assumptions(plan))]) + "\n"


def plan_assumptions(plan: PlanPower) -> tuple[str, ...]:
    """The assumptions of the figures, one or two sentences each."""
    several = f" = {plan.alpha:g} / {plan.tests}" if plan.tests > 1 else ""
    smallest = ", ".join(f"{entry.fewest:,} with --coins {entry.coins}" for entry in plan.by_coins)
    return (
        "The effect is the probability that a published text scores higher than a withheld one of its unit. Scores are "
        "normal with equal spread, units are independent and have one effect: have some to spare.",
        *_copies(plan),
        *_losses(plan),
        f"Level {plan.level:.3g}{several}, one-sided, {_test(plan)}.",
        f"Below this number no outcome whatever reaches the level: {smallest}.",
        "The surcharge pays for keys that the owner may have tried in secret, a million plans (2^20) or a trillion "
        "deals (2^40). The p-value itself assumes nothing of texts or models.",
    )


def _test(plan: PlanPower) -> str:
    if plan.design == "twins":
        return "exact signed-rank test over the documents"
    if plan.design == "holdout":
        return (
            f"{plan.withheld_share:.0%} withheld, rank sum and engine at half the level each; the engine is taken to "
            "find what one planned score finds"
        )
    return f"exact rank-sum test over units of {plan.decoys} decoys each"


def _copies(plan: PlanPower) -> list[str]:
    if plan.effect_from != "--copies":
        return []
    return [
        f"{plan.copies} {'copy' if plan.copies == 1 else 'copies'} of a canary of 100 tokens, one exposure each: the "
        "AUC is that of the weakest of four models of 1.3 to 2.7 billion parameters in continued pretraining, with the "
        f"base as reference. At the strongest it takes {_count(plan.units_strongest)}. One exposure in a large "
        "pretraining run is weaker: plan for an AUC of 0.54 to 0.56."
    ]


def _losses(plan: PlanPower) -> list[str]:
    if plan.survival == 1:
        return ["Every plant reaches the model. Where a filter drops a share of them, give --survival."]
    return [f"{plan.survival:.0%} of the plants reach the model: an AUC of {plan.effect_after_losses:.3g} over all."]


def _mark(entry: CoinUnits, plan: PlanPower) -> str:
    return "->" if entry.coins == plan.coins else "  "


def _surcharge(entry: CoinUnits) -> str:
    paid = f"p times 2^{entry.bits}" if entry.bits else "p as it is"
    return f"{_COINS[entry.coins]} (--coins {entry.coins}: {paid})"


def _count(units: int | None) -> str:
    return "more than 1,000,000" if units is None else f"{units:,}"


def _item(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")
