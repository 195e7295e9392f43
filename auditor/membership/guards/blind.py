"""Text alone must not separate the two sides."""

from __future__ import annotations

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure


@guard(
    name="blind",
    order=10,
    question="Can the two sets be told apart without the model, from their text alone?",
    blind_spots="Differences in meaning or quality that do not show in words, characters, length, layout or years. "
    "Months are recognised by their English names only; of texts over 60,000 characters only start, middle and end are "
    "read.",
    level=lambda policy: policy.blind_alpha,
    reads_text_only=True,
)
def blind(case: GuardContext) -> GuardOutcome:
    """Test word and character n-grams, lengths, layout and years with the engine of the membership test."""
    text, limit = case.text, case.policy.blind_alpha
    strongest = min(text.statistics, key=lambda statistic: statistic.p_adjusted).name
    columns = strongest.removeprefix("family:") if strongest.startswith("family:") else "all text columns together"
    figures = (
        GuardFigure(name="p-value of text alone", value=text.p_value, limit=limit),
        GuardFigure(name="AUC of text alone", value=text.auc),
    )
    engine = (figures, text.auc, text.auc_interval.low, text.auc_interval.high, text.p_value)
    if text.p_value > limit:
        reason = f"Text alone does not separate the sets (AUC {text.auc:.2f}, p = {text.p_value:.2g})."
        return GuardOutcome("passed", reason, "", *engine)
    return GuardOutcome(
        "failed",
        f"Text alone separates the sets (AUC {text.auc:.2f}, p = {text.p_value:.2g}; strongest: {columns}). "
        "They differ by more than training.",
        "Choose held-out documents from the same source, period, topic and processing as the suspect ones; "
        "best, split one collection at random.",
        *engine,
    )
