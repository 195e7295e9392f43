"""The identity of a model, under which its scores are kept."""

from __future__ import annotations

import hashlib
import json

from auditor.core.record import Count, Record

SCORING_VERSION = 2
"""Raised whenever the figures a backend returns change; older records of the store are then never used."""


class ModelIdentity(Record):
    """Everything that influences a score, and the names a reader knows it by."""

    source: str
    """Path or name as given."""

    kind: str
    """Name of the loader."""

    revision: str | None
    """Commit of a hub model; None for local files."""

    weights_sha256: str
    """Digest over the names and digests of the weight files (adapter and base both)."""

    tokenizer_sha256: str
    """Digest over the names and digests of the tokenizer files."""

    dtype: str
    """Number format of the weights in memory; statistics are always float32."""

    device: str
    """Where the model runs."""

    context: Count
    """Longest window in tokens."""

    bos: str
    """What stands before the text, in words."""

    details: dict[str, str]
    """Configuration digest and versions of the libraries that compute the scores."""

    def __hash__(self) -> int:
        return hash((self.source, self.weights_sha256, self.dtype, self.device, self.context))

    @property
    def key(self) -> str:
        """Hex digest of all that influences scores; the same model under another path has the same key.

        The number of a device is left out: cuda:0 and cuda:1 compute alike.
        """
        parts = [
            SCORING_VERSION,
            self.kind,
            self.weights_sha256,
            self.tokenizer_sha256,
            self.dtype,
            self.device.partition(":")[0],
            self.context,
            self.bos,
            sorted(self.details.items()),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
