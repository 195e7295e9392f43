"""The fingerprint of a corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from auditor.corpora.document import Corpus


class Fingerprinted(Protocol):
    """What of a document enters the digest of its corpus."""

    @property
    def id(self) -> str:
        """Its name within the corpus."""

    @property
    def group(self) -> str:
        """What it came from."""

    @property
    def sha256(self) -> str:
        """Digest of its text."""


def whole_digest(corpus: Corpus) -> str:
    """Hex digest over all that of a corpus enters a result.

    That is its documents, what stands beside them (labels), and how much was left out.
    """
    beside = [sorted(document.metadata.items()) for document in corpus.documents]
    left = [corpus.dropped_empty, corpus.dropped_duplicate, len(corpus.skipped)]
    return hashlib.sha256(json.dumps([corpus.sha256, beside, left]).encode()).hexdigest()


def corpus_sha256(documents: Iterable[Fingerprinted]) -> str:
    """Hex digest over the id, group and text digest of each document in order.

    Each document enters as one line of JSON, so no two different lists of documents share a byte sequence. Where the
    corpus lies on the disk does not enter.
    """
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([document.id, document.group, document.sha256]).encode("ascii") + b"\n")
    return digest.hexdigest()
