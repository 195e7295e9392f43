"""Document and Corpus, and their digests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from auditor.core.errors import UsageError
from auditor.results.passed_over import passed_over
from auditor.signals.views import Passage, Span

if TYPE_CHECKING:
    from auditor.corpora.chat.formats import ChatFormat
    from auditor.results.overlap import SharedDocument
    from auditor.results.result import DocumentResult


TEXT = "text"
"""The shape of rows that hold text and no conversation."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text of a corpus.

    Attributes:
        id: Stable name within its corpus: the relative path, or `file:row` (row counts from 1).
        text: The text as read, valid Unicode without lone surrogates; of a conversation the rendered text.
        group: Its source (book, author, site), or its own id where none is given. The statistical unit.
        metadata: The row's other columns with a single value, as strings; missing values are left out.
        spans: The parts of the text that are scored, the answers of a conversation; None where all of it is.
        turns: Where in a rendered conversation its turns are, without system prompts and the markup of the template;
            None of plain text.
    """

    id: str
    text: str
    group: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    spans: tuple[Span, ...] | None = None
    turns: tuple[Span, ...] | None = None

    @property
    def passage(self) -> Passage:
        """What a model reads, and the parts of it that are scored."""
        return Passage(self.text, self.spans)

    @property
    def lesson(self) -> str | Passage:
        """What a training reads: the text, or the passage whose answers it learns."""
        return self.text if self.spans is None else self.passage

    @property
    def scored(self) -> str:
        """The scored characters, joined."""
        return self.passage.scored

    @property
    def wording(self) -> str:
        """What was written, line by line: the text without the markup of a template and without system prompts."""
        return self.text if self.turns is None else "\n".join(self.text[start:end] for start, end in self.turns)

    @property
    def stored(self) -> str:
        """The document as a bundle holds it: the text, or JSON of a rendered conversation with its parts."""
        return self.text if self.turns is None else json.dumps([self.text, self.spans, self.turns], ensure_ascii=False)

    @property
    def sha256(self) -> str:
        """Hex digest of the UTF-8 bytes of its stored form, which for plain text is the text."""
        return hashlib.sha256(self.stored.encode("utf-8")).hexdigest()


def restore(name: str, stored: str, group: str, *, conversation: bool) -> Document:
    """A document from its stored form.

    Args:
        name: Its id.
        stored: As `Document.stored` gives it.
        group: Its group.
        conversation: Whether it is a rendered conversation.

    Raises:
        UsageError: It is none.
    """
    if not conversation:
        return Document(name, stored, group)
    try:
        text, spans, turns = json.loads(stored)
        places = [None if some is None else tuple((int(a), int(b)) for a, b in some) for some in (spans, turns)]
    except (ValueError, TypeError, RecursionError):
        raise UsageError(f"{name}: not a rendered conversation", hint="Make the bundle again.") from None
    return Document(name, str(text), group, spans=places[0], turns=places[1])


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
        shape: What its rows hold: `text`, or the shape of its conversations or pairs.
        chat: How its conversations became text; None of plain text.
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
    shape: str = TEXT
    chat: ChatFormat | None = None

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


def corpus_passed_over(corpus: Corpus) -> str:
    """What of a corpus was passed over, in words; empty where nothing was."""
    return passed_over(
        kinds=corpus.skipped_kinds,
        hidden=corpus.hidden,
        empty=corpus.dropped_empty,
        repeated=corpus.dropped_duplicate,
        shared=len(corpus.left_out),
    )


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
