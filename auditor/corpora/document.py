"""Document and Corpus, and their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.results.overlap import SharedDocument
    from auditor.results.result import DocumentResult


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a corpus.

    Attributes:
        id: Stable name within its corpus: the relative path, or `file:row` (row counts from 1).
        text: The text as read, valid Unicode without lone surrogates.
        group: Its source (book, author, site), or its own id where none is given. The statistical unit.
        metadata: The row's other columns with a single value, as strings; missing values are left out.
    """

    id: str
    text: str
    group: str
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Hex digest of the text's UTF-8 bytes."""
        return hashlib.sha256(self.text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Corpus:
    """One side of an audit, in reading order, without empty or repeated documents.

    Attributes:
        source: Path or name as the user gave it.
        documents: The documents, without dropped ones.
        dropped_empty: Number of documents of white space alone.
        dropped_duplicate: Number of documents that repeat the text of an earlier one.
        sha256: Digest over the ids, groups and text digests in reading order, of all documents that were read.
        skipped: Relative names of visible files among the documents that were not read.
        skipped_kinds: Their number by kind: a suffix, or words such as `about the data`.
        hidden: Number of hidden files and folders among the documents; they are not read either.
        left_out: Positions in reading order of documents that `without` took out.
    """

    source: str
    documents: tuple[Document, ...]
    dropped_empty: int
    dropped_duplicate: int
    sha256: str
    skipped: tuple[str, ...] = ()
    skipped_kinds: Mapping[str, int] = field(default_factory=dict)
    hidden: int = 0
    left_out: tuple[int, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The distinct groups in order of first appearance."""
        return tuple(dict.fromkeys(document.group for document in self.documents))


def without(corpus: Corpus, indices: Iterable[int]) -> Corpus:
    """A corpus without some documents; its digest stays that of what was read.

    Args:
        corpus: As read.
        indices: Positions in reading order.
    """
    out = frozenset(indices)
    documents = tuple(document for index, document in enumerate(corpus.documents) if index not in out)
    return replace(corpus, documents=documents, left_out=tuple(sorted(out)))


def whole_digest(corpus: Corpus) -> str:
    """Hex digest over everything of a corpus that enters a result.

    That is its documents, their metadata (labels), and the numbers of dropped documents and skipped files.
    """
    metadata = [sorted(document.metadata.items()) for document in corpus.documents]
    dropped = [corpus.dropped_empty, corpus.dropped_duplicate, len(corpus.skipped)]
    return hashlib.sha256(json.dumps([corpus.sha256, metadata, dropped]).encode()).hexdigest()


def corpus_sha256(documents: Iterable[Document | DocumentResult | SharedDocument]) -> str:
    """Hex digest over the id, group and text digest of each document in order.

    Each document enters as one line of JSON, so no two different lists of documents share a byte sequence. The path of
    the corpus does not enter.
    """
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([document.id, document.group, document.sha256]).encode("ascii") + b"\n")
    return digest.hexdigest()
