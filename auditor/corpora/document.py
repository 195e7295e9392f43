"""Document and Corpus: what every reader returns and everything after it consumes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Document:
    """One text with its place in the audit.

    Attributes:
        id: Stable name within its corpus: the relative path, or `file:row` (row counts from 1).
        text: The text as read, valid Unicode without lone surrogates.
        group: What it came from (book, author, site); its own id where nothing is said. The statistical unit.
        metadata: Other columns of the row that hold one value, as strings; missing values are left out.
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
        source: What the user asked for, as given.
        documents: The documents kept.
        dropped_empty: How many documents held nothing but white space.
        dropped_duplicate: How many repeated the text of an earlier document.
        sha256: Digest over the ids, groups and text digests in reading order.
        skipped: Files in a folder of documents that are of another kind and were not read, by relative name.
    """

    source: str
    documents: tuple[Document, ...]
    dropped_empty: int
    dropped_duplicate: int
    sha256: str
    skipped: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The distinct groups in order of first appearance."""
        return tuple(dict.fromkeys(document.group for document in self.documents))
