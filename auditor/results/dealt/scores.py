"""Scores of candidates: what a model says of every text of a batch, without a word on which of them was published."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record
from auditor.results.result import ModelSummary
from auditor.results.rows import FeatureTable, Numerics, TableRecord

CANDIDATE_SCORES_VERSION: Literal["auditor-scores-1.0"] = "auditor-scores-1.0"


CANDIDATE_SET_VERSION: Literal["auditor-candidates-1.0"] = "auditor-candidates-1.0"


class CandidateSet(Record):
    """All candidates of a batch for whoever has the model: no coin, no key, and no unit that they belong to."""

    schema_version: Literal["auditor-candidates-1.0"] = CANDIDATE_SET_VERSION
    commitment_sha256: str
    batch: Count
    features: bool
    """Whether features are computed besides the log-probabilities."""

    texts: tuple[str, ...]
    """In the order of their digests, which no coin decides."""


class TextScores(Record):
    """The texts under one model."""

    logprob: tuple[Number | None, ...]
    """Total log-probability of each text (nats); None where nothing was scored or a limit on tokens cut it."""

    tokens: tuple[Count, ...]
    """Scored tokens of each."""


class CandidateScores(TableRecord):
    """Scores of the candidates of a batch; texts are in the order of their digests."""

    schema_version: Literal["auditor-scores-1.0"] = CANDIDATE_SCORES_VERSION
    created: str
    auditor_version: str
    packages: dict[str, str]
    platform: str
    command: str
    commitment_sha256: str
    """Digest of the commitment whose candidates they are."""

    batch: Count
    """The batch."""

    models: tuple[ModelSummary, ...]
    """The tested model and its references."""

    texts: tuple[str, ...]
    """SHA-256 of each text, in order."""

    scores: dict[str, TextScores]
    """By label of the model; the tested one is `target`."""

    token_ids: tuple[str, ...]
    """SHA-256 of the tokens of each text under the tested model: equal where the tokens are."""

    features: dict[str, FeatureTable]
    """Features of each text under each model, where the design needs them."""

    reasons: dict[str, dict[str, Count]]
    """For each feature of the tested model, why values are missing and how many for that reason."""

    numerics: dict[str, Numerics]
    """What the probes of each model showed."""

    texts_scored: Count
    texts_from_store: Count
    content_sha256: str = ""
    """SHA-256 of everything else here: it seals the scores before any coin is known to whoever made them."""
