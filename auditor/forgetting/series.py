"""Series: the checkpoints of a model and what each made of the same documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from auditor.corpora.document import Corpus
from auditor.models.backend import ModelSpec
from auditor.results.forgetting.measurements import Role
from auditor.results.rows import Numerics
from auditor.signals.outputs import ModelOutputs
from auditor.signals.tokens import TokenSignals


@dataclass(frozen=True, slots=True)
class NamedCheckpoint:
    """A checkpoint under the name its user gave it, not in memory."""

    name: str
    spec: ModelSpec


@dataclass(frozen=True, slots=True)
class CorpusScores:
    """One corpus under one checkpoint.

    Attributes:
        signals: One record a document, in the order of the corpus.
        traces: One a document; empty where the model does not show them or they were not wanted.
    """

    signals: tuple[TokenSignals, ...]
    traces: tuple[ModelOutputs, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """A series of checkpoints, scored.

    Attributes:
        checkpoints: In the order given; the first is the origin.
        corpora: The corpora by role; `suspect` and `heldout` are always there.
        readings: What each checkpoint made of each corpus, by (checkpoint name, role).
        numerics: What the probes of the backend showed, by checkpoint name.
    """

    checkpoints: tuple[NamedCheckpoint, ...]
    corpora: Mapping[Role, Corpus]
    readings: Mapping[tuple[str, Role], CorpusScores]
    numerics: Mapping[str, Numerics]

    @property
    def names(self) -> tuple[str, ...]:
        """What the checkpoints are called, in their order."""
        return tuple(checkpoint.name for checkpoint in self.checkpoints)

    @property
    def origin(self) -> NamedCheckpoint:
        """The checkpoint all others are compared with."""
        return self.checkpoints[0]
