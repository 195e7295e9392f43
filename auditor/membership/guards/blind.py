"""Text alone must not tell the two sides apart."""

from __future__ import annotations

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="blind",
    order=10,
    question="Can the two sets be told apart without the model, from their text alone?",
    blind_spots="Differences in meaning or quality that leave no mark on words, characters, length, layout or years; months "
    "are known by their English names only, and of texts beyond 60,000 characters start, middle and end are read.",
    level=lambda policy: policy.blind_alpha,
    reads_text_only=True,
)
def blind(case: GuardContext) -> GuardOutcome:
    """Ask the engine about word and character n-grams, lengths, layout and years."""
    text, limit = case.text, case.policy.blind_alpha
    failed = text.p_value <= limit
    telling = sorted(text.statistics, key=lambda statistic: statistic.p_adjusted)[0]
    where = telling.name.removeprefix("family:") if telling.name.startswith("family:") else "all text columns together"
    figures = (
        GuardFigure(name="p-value of text alone", value=text.p_value, limit=limit),
        GuardFigure(name="AUC of text alone", value=text.auc),
    )
    if not failed:
        reason = f"Text alone does not separate the sets (AUC {text.auc:.2f}, p = {text.p_value:.2g})."
        return GuardOutcome(
            "passed", reason, "", figures, text.auc, text.auc_interval.low, text.auc_interval.high, text.p_value
        )
    return GuardOutcome(
        "failed",
        f"Text alone separates the sets (AUC {text.auc:.2f}, p = {text.p_value:.2g}; most telling: {where}). "
        "They differ by more than training.",
        "Choose held-out documents from the same source, period, topic and processing as the suspect ones; "
        "best, split one collection at random.",
        figures,
        text.auc,
        text.auc_interval.low,
        text.auc_interval.high,
        text.p_value,
    )
