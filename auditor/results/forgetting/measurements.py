"""Kept: what every figure of a series that decides is made from, document by document, without a text or a token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import Field

from auditor.core.record import Count, Record
from auditor.results.tables import Cells, KeptNumerics, Table

Role = Literal["suspect", "heldout", "general", "placebo"]
Measure = Literal["loss", "exact-memorisation", "extraction-strength", "k-extractable"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
Intervened = Literal["relearn-half", "reminder", "quantise"]

COMPARED: tuple[Role, ...] = ("suspect", "heldout", "placebo")
"""The roles that are held against each other, in the order in which their documents stand in a probe."""


class KeptSet(Record):
    """The documents of one corpus and what every checkpoint made of them.

    Attributes:
        ids: [documents].
        groups: [documents].
        truncated: [checkpoints] documents that the token limit cut.
        measures: For each measure [documents, checkpoints]; general text has the loss alone. A document without a
            scored token has none.
        features: [checkpoints] the features of a single pass; empty for general text.
    """

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    truncated: tuple[Count, ...]
    measures: dict[Measure, Cells]
    features: tuple[Table, ...]


class KeptCopy(Record):
    """One changed copy of a checkpoint.

    Attributes:
        sets: The sets whose comparison with held-out reads it; several where one copy scored everything.
        per_byte: [documents, steps] bits per byte after the steps, None where the document was not scored.
        per_token: The same in nats per token.
    """

    sets: tuple[Role, ...]
    per_byte: Cells
    per_token: Cells


class KeptProbe(Record):
    """One intervention on one checkpoint.

    Attributes:
        name: `relearn-half`, `reminder` or `quantise`.
        method: What was done, in words.
        roles: Whose documents stand in the rows of the copies, one role after the other.
        steps: Of each point after the checkpoint as it is.
        copies: The copies that were scored.
    """

    name: Intervened
    method: str
    roles: tuple[Role, ...]
    steps: tuple[Count, ...]
    copies: tuple[KeptCopy, ...]


class KeptRelearning(Record):
    """The interventions on one checkpoint.

    Attributes:
        probes: Those that ran.
        per_token: [documents] nats per token of the checkpoint as it is, suspect, held-out, then placebo documents.
        left_out: Those that did not, each with its reason in a sentence.
        budget: In words.
    """

    probes: tuple[KeptProbe, ...]
    per_token: tuple[float | None, ...]
    left_out: tuple[str, ...]
    budget: str


class KeptCheckpoint(Record):
    """One checkpoint.

    Attributes:
        name: As the user calls it.
        source: Path or name of the model.
        numerics: What the probes of the backend showed.
        beside: [general documents, 3] divergence from the origin, covered share and agreement, means over the tokens of
            a document; empty where the most probable tokens were not kept.
        relearning: The interventions; None where there were none.
    """

    name: str
    source: str
    numerics: KeptNumerics
    beside: Cells
    relearning: KeptRelearning | None = None


Hits = Annotated[str, Field(pattern="^[01]*$")]
"""One character a document: 1 where it is right."""


class KeptTask(Record):
    """A labelled set and which of its documents every model got right.

    Attributes:
        name: As its user calls it.
        source: Where it was read from.
        sha256: Digest of its texts.
        classes: The labels, sorted.
        models: The untrained model, where there is one, and the checkpoints.
        ids: [documents].
        unit: [documents] number of the group of each.
        observed: [models] where the true label was the likeliest.
        probed: [models] where the probe was right.
    """

    name: str
    source: str
    sha256: str
    classes: tuple[str, ...]
    models: tuple[str, ...]
    ids: tuple[str, ...]
    unit: tuple[Count, ...]
    observed: tuple[Hits, ...]
    probed: tuple[Hits, ...]


class SeriesKept(Record):
    """What the figures of a series are made from.

    Attributes:
        checkpoints: The origin first.
        sets: The corpora by role; `suspect` and `heldout` are always there.
        tasks: The labelled sets.
        notes: What a reader of them has to know.
    """

    checkpoints: tuple[KeptCheckpoint, ...]
    sets: dict[Role, KeptSet]
    tasks: tuple[KeptTask, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the checkpoints are called, in their order."""
        return tuple(checkpoint.name for checkpoint in self.checkpoints)

    def relearned(self, found: Mapping[str, KeptRelearning]) -> Self:
        """The same with what was kept of the interventions, by checkpoint."""
        points = (one.model_copy(update={"relearning": found.get(one.name)}) for one in self.checkpoints)
        return self.model_copy(update={"checkpoints": tuple(points)})

    def documents(self, *roles: Role) -> int:
        """How many documents some roles have together."""
        return sum(len(self.sets[role].ids) for role in roles)
