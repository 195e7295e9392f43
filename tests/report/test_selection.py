from __future__ import annotations

from collections.abc import Callable

from auditor.report.selection import guard_counts, highest_scoring, marked_documents, strongest_columns
from auditor.results.result import AuditResult


def test_each_group_is_told_by_the_document_the_model_knows_best(make: Callable[..., AuditResult]) -> None:
    result = make("EVIDENCE", groups=8)
    first, second, *rest = (document for document in result.documents if document.side == "suspect")
    twin = second.model_copy(update={"group": first.group, "score": first.score, "bits_per_byte": 0.1})
    lone = rest[0].model_copy(update={"score": None})
    shown = highest_scoring(result.model_copy(update={"documents": (first, twin, lone, *rest[1:])}), "suspect", 99)
    assert [found.score for found in shown] == sorted((found.score for found in shown), reverse=True)
    mine = next(found for found in shown if found.document.group == first.group)
    assert (mine.document.id, mine.others) == (twin.id, 1)
    assert lone.id not in {found.document.id for found in shown}
    assert all(found.document.side == "suspect" for found in shown)


def test_no_more_than_asked(evidence: AuditResult) -> None:
    assert len(highest_scoring(evidence, "heldout", 3)) == 3


def test_marked_documents_come_by_score(make: Callable[..., AuditResult]) -> None:
    marked = marked_documents(make("EVIDENCE", groups=8, reveal=True), 4)
    scores = [document.score or 0.0 for document in marked]
    assert len(scores) == 4
    assert scores == sorted(scores, reverse=True)


def test_columns_come_by_adjusted_p(evidence: AuditResult) -> None:
    columns = strongest_columns(evidence)
    assert [column.p_adjusted for column in columns] == sorted(column.p_adjusted for column in columns)
    assert len(columns) == len(evidence.membership.columns)


def test_counts_keep_their_zeros(evidence: AuditResult) -> None:
    assert guard_counts(evidence.guards) == {"passed": 6, "failed": 0, "not run": 1}
    assert guard_counts(()) == {"passed": 0, "failed": 0, "not run": 0}
