"""Text alone must not separate the two sides."""

from __future__ import annotations

from auditor.core.text import lower_first
from auditor.membership.encoding import encoding_differences
from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure

_OTHER_DOCUMENTS = (
    "Choose held-out documents from the same source, period, topic and processing as the suspect ones; best, split one "
    "collection at random."
)


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
    reason = f"Text alone separates the sets (AUC {text.auc:.2f}, p = {text.p_value:.2g}; strongest: {columns})."
    differences = encoding_differences(case.encoding, text_groups(case)) if case.encoding else ()
    if differences:
        shares = tuple(
            GuardFigure(name=f"share of {side} groups with {difference.phrase}", value=count / total)
            for difference in differences
            for side, count, total in zip(("suspect", "held-out"), difference.groups, difference.of, strict=True)
        )
        return GuardOutcome(
            "failed",
            f"{reason} They differ in their encoding: {'; '.join(one.sentence for one in differences)}.",
            f"Run again with --normalise, which reads all texts in one form. Where text alone still separates the sets "
            f"then: {lower_first(_OTHER_DOCUMENTS)}",
            figures + shares,
            *engine[1:],
        )
    return GuardOutcome("failed", f"{reason} They differ by more than training.", _OTHER_DOCUMENTS, *engine)


def text_groups(case: GuardContext) -> tuple[int, int]:
    """Numbers of suspect and held-out groups."""
    suspect = int(case.text_rows.suspect.sum())
    return suspect, len(case.text_rows.suspect) - suspect
