"""Which part of a long result a report shows, and in which order. Sorting and counting only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from auditor.results.guards import GuardResult, Status
from auditor.results.result import AuditResult, DocumentResult, Side
from auditor.results.separability import ColumnEffect


@dataclass(frozen=True, slots=True)
class ScoredGroup:
    """A group with a high score, represented by one of its documents.

    Attributes:
        document: The one with the fewest bits per byte.
        score: Learned score of the group.
        others: How many more documents the group has.
    """

    document: DocumentResult
    score: float
    others: int


def guard_counts(guards: Iterable[GuardResult]) -> dict[Status, int]:
    """How many guards passed, failed and did not run, in this order, zeros included."""
    counts: dict[Status, int] = {"passed": 0, "failed": 0, "not run": 0}
    for guard in guards:
        counts[guard.status] += 1
    return counts


def strongest_columns(result: AuditResult) -> list[ColumnEffect]:
    """Features by adjusted p-value, then by distance of the AUC from one half, then by name."""
    return sorted(result.membership.columns, key=lambda c: (c.p_adjusted, -abs(c.auc - 0.5), c.name))


def highest_scoring(result: AuditResult, side: Side, limit: int) -> list[ScoredGroup]:
    """The groups of one side with the highest scores, at most `limit`, one document each."""
    groups: dict[str, list[DocumentResult]] = {}
    for document in result.documents:
        if document.side == side and document.score is not None:
            groups.setdefault(document.group, []).append(document)
    telling = []
    for documents in groups.values():
        best = min(documents, key=lambda d: (inf if d.bits_per_byte is None else d.bits_per_byte, d.id))
        telling.append(ScoredGroup(best, best.score or 0.0, len(documents) - 1))
    return sorted(telling, key=lambda item: (-item.score, item.document.id))[:limit]


def marked_documents(result: AuditResult, limit: int) -> list[DocumentResult]:
    """Documents whose tokens were revealed, highest scores first, at most `limit`."""
    marked = [document for document in result.documents if document.marks]
    return sorted(marked, key=lambda d: (inf if d.score is None else -d.score, d.id))[:limit]
