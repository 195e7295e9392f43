"""Few documents may be on both sides, and these are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from auditor.core.text import amount
from auditor.membership.guards.case import GuardContext
from auditor.membership.guards.guard import GuardOutcome, guard
from auditor.results.guards import GuardFigure
from auditor.results.overlap import SharedDocument

_KINDS = {
    "exact": "of the same text",
    "near": "of nearly the same text",
    "contained": "with one text within the other",
    "group": "of a group on both sides",
}
NAMED = 3
"""Clusters that are named in the finding; the result names all of them."""


@guard(
    name="overlap",
    order=20,
    question="Do the two sets share few documents, near-duplicates and groups, and are these left out of both?",
    blind_spots="Paraphrases, translations, and held-out documents that the model was trained on from another source.",
    reads_text_only=True,
)
def overlap(case: GuardContext) -> GuardOutcome:
    """Refuse sets that share many documents; of few, see that none is compared."""
    common, limit = case.overlap, case.policy.most_shared
    clusters: defaultdict[int, list[SharedDocument]] = defaultdict(list)
    for document in common.shared:
        clusters[document.cluster].append(document)
    counts = [sum(document.role == role for document in common.shared) for role in ("suspect", "heldout")]
    shares = [count / max(1, read) for count, read in zip(counts, common.read, strict=True)]
    figures = (
        GuardFigure(name="shared suspect documents", value=counts[0]),
        GuardFigure(name="shared held-out documents", value=counts[1]),
        GuardFigure(name="largest share of a side", value=max(shares), limit=limit),
        GuardFigure(name="clusters of shared documents", value=len(clusters)),
        *(
            GuardFigure(
                name=f"shared documents {words}", value=sum(document.relation == kind for document in common.shared)
            )
            for kind, words in _KINDS.items()
        ),
    )
    if not (common.shared or common.groups):
        return GuardOutcome("passed", "No document, near-duplicate or group is on both sides.", "", figures)
    if common.left_out and not common.groups:
        reason = (
            f"Left out, as another set of the audit shares them: {amount(counts[0], 'suspect document')} of "
            f"{common.read[0]:,} and {counts[1]:,} held-out of {common.read[1]:,}, in "
            f"{amount(len(clusters), 'cluster')} ({_names(list(clusters.values()))})."
        )
        return GuardOutcome("passed", reason, "", figures)
    reason = (
        f"The two sets share too many documents: {counts[0]:,} of {common.read[0]:,} suspect and {counts[1]:,} of "
        f"{common.read[1]:,} held-out ones ({_names(list(clusters.values()))}), where at most {limit:.0%} are left out."
    )
    if common.groups:
        reason += f" Groups on both sides: {len(common.groups):,} (first: {common.groups[0]})."
    return GuardOutcome(
        "failed",
        reason,
        "Remove shared documents from both sides, and keep each book, author or site on one side.",
        figures,
    )


def _names(clusters: Sequence[Sequence[SharedDocument]]) -> str:
    """The first document of each set in the first clusters."""
    named = []
    for members in clusters[:NAMED]:
        firsts = {document.role: document for document in reversed(members)}
        names = " and ".join(firsts[role].id for role in ("suspect", "heldout") if role in firsts)
        group = f" of group {members[0].group}" if members[0].relation == "group" else ""
        named.append(names + group)
    more = f", and {len(clusters) - NAMED:,} more" if len(clusters) > NAMED else ""
    return "; ".join(named) + more
