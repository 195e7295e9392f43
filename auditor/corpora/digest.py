"""The fingerprint of a corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from auditor.corpora.document import Document


def corpus_sha256(documents: Iterable[Document]) -> str:
    """Hex digest over the id, group and text digest of each document in order.

    Each document enters as one line of JSON, so no two different lists of documents share a byte sequence. Where the
    corpus lies on the disk does not enter.
    """
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([document.id, document.group, document.sha256]).encode("ascii") + b"\n")
    return digest.hexdigest()
