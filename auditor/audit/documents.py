"""Documents as they appear in a result: by id and hash, with excerpts only where the user reveals them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import TYPE_CHECKING, Any

from auditor.corpora.document import Corpus, Document
from auditor.features.loss import bits_per_byte
from auditor.features.table import TARGET_LABEL
from auditor.results.io import with_content_digest
from auditor.results.result import AuditResult, CorpusSummary, DocumentResult, GroupScore, Side, TokenMark
from auditor.results.rows import FeatureTable, Rows
from auditor.results.separability import Separability
from auditor.signals.tokens import TokenSignals

if TYPE_CHECKING:
    from auditor.membership.scores import AuditScores

EXCERPT_CHARACTERS = 600
MARKED_DOCUMENTS = 6
MARKED_TOKENS = 160


def group_scores(names: Sequence[str], rows: Rows, membership: Separability) -> tuple[GroupScore, ...]:
    """The out-of-fold score of every group, in row order; `names` are those of the rows as read."""
    return tuple(
        GroupScore(group=group, side="suspect" if suspect else "heldout", score=score)
        for group, suspect, score in zip(names, rows.suspect, membership.scores, strict=True)
    )


def describe_documents(
    suspect: Corpus, heldout: Corpus, signals: Sequence[TokenSignals], *, reveal: bool
) -> tuple[DocumentResult, ...]:
    """Every document before its group has a score, suspect side first.

    Args:
        suspect: The suspect documents.
        heldout: The held-out documents.
        signals: The audited model's record of each document as it is, in the same order.
        reveal: Whether to keep excerpts.
    """
    documents: list[tuple[Side, Document]] = [("suspect", document) for document in suspect.documents]
    documents += [("heldout", document) for document in heldout.documents]
    return tuple(
        DocumentResult(
            id=document.id,
            side=side,
            group=document.group,
            sha256=document.sha256,
            score=None,
            bits_per_byte=_bits_per_byte(record),
            tokens=len(record),
            excerpt=document.text[:EXCERPT_CHARACTERS] if reveal else None,
        )
        for (side, document), record in zip(documents, signals, strict=True)
    )


def with_scores(
    documents: Sequence[DocumentResult], scores: Iterable[GroupScore], table: FeatureTable, *, reveal: bool
) -> tuple[DocumentResult, ...]:
    """Documents with the score of their group, and their loss where it is one of the features.

    Args:
        documents: As `describe_documents` gave them.
        scores: Score of each group.
        table: Features of the documents, in the same order.
        reveal: Whether they may hold excerpts and tokens.
    """
    by_group: Mapping[tuple[str, str], float] = {(score.side, score.group): score.score for score in scores}
    hidden: dict[str, Any] = {} if reveal else {"excerpt": None, "marks": None}
    updates = [{"score": by_group[document.side, document.group], **hidden} for document in documents]
    if bits_per_byte.name in table.names:
        for update, value in zip(updates, table.values[:, table.names.index(bits_per_byte.name)].tolist(), strict=True):
            update["bits_per_byte"] = None if math.isnan(value) else value
    return tuple(document.model_copy(update=update) for document, update in zip(documents, updates, strict=True))


def with_token_marks(result: AuditResult, suspect: Corpus, scores: AuditScores) -> AuditResult:
    """A result that shows the tokens of the suspect documents that score highest.

    Args:
        result: The result, its documents suspect side first.
        suspect: The suspect documents.
        scores: The scores of the audit.
    """
    signals, documents = scores.plain(TARGET_LABEL), list(result.documents)
    for index in nlargest(
        MARKED_DOCUMENTS, range(len(suspect.documents)), key=lambda index: documents[index].score or 0.0
    ):
        marks = _marks(suspect.documents[index], signals[index])
        documents[index] = documents[index].model_copy(update={"marks": marks})
    return with_content_digest(result.model_copy(update={"documents": tuple(documents)}))


def summary(corpus: Corpus, signals: Sequence[TokenSignals]) -> CorpusSummary:
    """What was read on one side; `signals` are its documents' records in order."""
    return CorpusSummary(
        source=corpus.source,
        documents=len(corpus.documents),
        groups=len(corpus.groups),
        skipped_files=len(corpus.skipped),
        skipped_kinds=dict(corpus.skipped_kinds),
        hidden_files=corpus.hidden,
        dropped_empty=corpus.dropped_empty,
        dropped_duplicate=corpus.dropped_duplicate,
        dropped_shared=len(corpus.left_out),
        characters=sum(len(document.text) for document in corpus.documents),
        tokens=sum(len(record) for record in signals),
        truncated=sum(record.truncated for record in signals),
        sha256=corpus.sha256,
    )


def _bits_per_byte(record: TokenSignals) -> float | None:
    value = bits_per_byte.compute(record)
    return None if math.isnan(value) else value


def _marks(document: Document, record: TokenSignals) -> tuple[TokenMark, ...]:
    """The first tokens with the text that lies between them and the token before."""
    marks, at, text = [], 0, document.scored
    for end, logprob in zip(record.ends[:MARKED_TOKENS].tolist(), record.logprob[:MARKED_TOKENS].tolist(), strict=True):
        # Byte-level tokens of one character share its place; the first of them carries the text.
        marks.append(TokenMark(text=text[at : max(at, end)], logprob=logprob))
        at = max(at, end)
    return tuple(marks)
