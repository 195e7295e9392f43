"""The identity of a model, under which its scores are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

SCORING_VERSION = 2
"""Raised whenever the figures a backend returns change; older records of the store are then never used."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Everything that influences a score, and the names a reader knows it by.

    Attributes:
        source: Path or name as given.
        kind: Name of the loader.
        revision: Commit of a hub model; None for local files.
        weights_sha256: Digest over the names and digests of the weight files.
        tokenizer_sha256: Digest over the names and digests of the tokenizer files.
        dtype: Number format of the weights in memory; statistics are always float32.
        device: Where the model runs.
        context: Longest window in tokens.
        bos: What stands before the text, in words.
        details: Configuration digest and versions of the libraries that compute the scores.
    """

    source: str
    kind: str
    revision: str | None
    weights_sha256: str
    tokenizer_sha256: str
    dtype: str
    device: str
    context: int
    bos: str
    details: Mapping[str, str] = field(hash=False)

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
