"""The identity of a model, under which its scores are kept."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Record

SCORING_VERSION = 3
"""Raised whenever the figures a backend returns change; older records of the store are then never used."""


_MODELS = Unverifiable("which models were scored (--model for each of them shows it)", frozenset({"models"}))
_LOADED = Unverifiable("where the models lay and how they were loaded")


class ModelIdentity(Record):
    """Everything that influences a score, and the names a reader knows it by."""

    source: Annotated[str, _LOADED]
    """Path or name as given."""

    kind: Annotated[str, _LOADED]
    """Name of the loader."""

    revision: Annotated[str | None, _LOADED]
    """Commit of a hub model; None for local files."""

    weights_sha256: Annotated[str, _MODELS]
    """Digest over the names and digests of the weight files (adapter and base both)."""

    tokenizer_sha256: Annotated[str, _MODELS]
    """Digest over the names and digests of the tokenizer files."""

    dtype: Annotated[str, _LOADED]
    """Number format of the weights in memory; statistics are always float32."""

    device: Annotated[str, _LOADED]
    """Where the model runs."""

    context: Annotated[Count, _LOADED]
    """Longest window in tokens."""

    bos: Annotated[str, _LOADED]
    """What stands before the text, in words."""

    details: dict[str, Annotated[str, _MODELS]]
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
