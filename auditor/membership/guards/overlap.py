"""No document may be on both sides."""

from __future__ import annotations

from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure

_KINDS = {"exact": "the same", "near": "nearly the same", "contained": "one within the other"}


@guard(
    name="overlap",
    order=20,
    question="Are the two sets free of shared documents, near-duplicates and shared groups?",
    blind_spots="Paraphrases, translations, and held-out documents that the model was trained on from another source.",
    reads_text_only=True,
)
def overlap(case: GuardContext) -> GuardOutcome:
    """Refuse duplicates and near-duplicates across the sides, and groups that are on both."""
    shared = case.overlap
    counts = {kind: [pair for pair in shared.pairs if pair.kind == kind] for kind in _KINDS}
    figures = (
        *(GuardFigure(name=f"pairs {words}", value=len(counts[kind]), limit=0) for kind, words in _KINDS.items()),
        GuardFigure(name="groups on both sides", value=len(shared.groups), limit=0),
    )
    if not (shared.pairs or shared.groups):
        return GuardOutcome("passed", "No document, near-duplicate or group is on both sides.", "", figures)
    parts = [
        f"{len(pairs)} {_KINDS[kind]} (first: {pairs[0].suspect} and {pairs[0].heldout})"
        for kind, pairs in counts.items()
        if pairs
    ]
    if shared.groups:
        parts.append(f"{len(shared.groups)} groups on both sides (first: {shared.groups[0]})")
    return GuardOutcome(
        "failed",
        f"The two sets share documents or groups: {'; '.join(parts)}.",
        "Remove shared documents from both sides, and keep each book, author or site on one side.",
        figures,
    )
