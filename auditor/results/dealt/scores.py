"""Scores of candidates: what a model says of every text of a batch, without a word on which of them was published."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

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

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        texts, labels = len(self.texts), set(self.scores)
        if not texts and not labels:
            return self  # Nothing was scored, as a check had failed before.
        if not self.models or self.models[0].role != "target":
            raise ValueError("no model is named as the tested one")
        if "target" not in labels or len(labels) != len(self.models):
            raise ValueError("there are not scores of the tested model and of each reference, and of no other")
        if set(self.numerics) != labels or (self.features and set(self.features) != labels):
            raise ValueError("scores, features and probes are not of the same models")
        if list(self.texts) != sorted(set(self.texts)):
            raise ValueError("its texts are not in the order of their digests, or one is there twice")
        lengths = {len(self.token_ids), *(table.values.shape[0] for table in self.features.values())}
        lengths |= {len(one.logprob) for one in self.scores.values()} | {
            len(one.tokens) for one in self.scores.values()
        }
        if lengths != {texts}:
            raise ValueError("there are not as many scores, tokens and features as texts")
        if len({table.columns for table in self.features.values()}) > 1:
            raise ValueError("the features of its models are not the same")
        return self
