"""Measurements of a series: the inputs of every deciding figure, document by document, without texts or tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field

from auditor.core.digests import canonical_sha256
from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Record
from auditor.results.forgetting.interventions import InterventionName
from auditor.results.rows import FeatureTable, Matrix, Numerics, TableRecord

Role = Literal["suspect", "heldout", "general", "placebo"]
Measure = Literal["loss", "exact-memorisation", "extraction-strength", "k-extractable"]
MEASURES: tuple[Measure, ...] = get_args(Measure)

COMPARED: tuple[Role, ...] = ("suspect", "heldout", "placebo")
"""The roles that are compared, in the order of their documents in a probe."""


class SetMeasurements(TableRecord):
    """The documents of one corpus and their measures under every checkpoint."""

    ids: tuple[str, ...]
    """[documents]."""

    groups: tuple[str, ...]
    """[documents]."""

    truncated: tuple[Count, ...]
    """[checkpoints] documents that the token limit cut."""

    measures: dict[Measure, Matrix]
    """For each measure [documents, checkpoints]; general text has the loss alone. A document without a scored token
    has none."""

    features: tuple[FeatureTable, ...]
    """[checkpoints] the features of a single pass; empty for general text."""


class CopyMeasurements(TableRecord):
    """One changed copy of a checkpoint."""

    sets: tuple[Role, ...]
    """The sets whose comparison with held-out reads it; several where one copy scored everything."""

    per_byte: Matrix
    """[documents, steps] bits per byte after the steps, None where the document was not scored."""

    per_token: Matrix
    """The same in nats per token."""


class InterventionMeasurements(Record):
    """One intervention on one checkpoint."""

    name: InterventionName
    """`relearn-half`, `reminder` or `quantise`."""

    method: str
    """What was done, in words."""

    roles: tuple[Role, ...]
    """The roles whose documents are the rows of the copies, one role after the other."""

    steps: tuple[Count, ...]
    """Of each point after the checkpoint as it is."""

    copies: tuple[CopyMeasurements, ...]
    """The copies that were scored."""


class RelearningMeasurements(Record):
    """The interventions on one checkpoint."""

    probes: tuple[InterventionMeasurements, ...]
    """Those that ran."""

    per_token: tuple[float | None, ...]
    """[documents] nats per token of the checkpoint as it is, suspect, held-out, then placebo documents."""

    not_run: tuple[str, ...]
    """Those that did not, each with its reason in a sentence."""

    budget: str
    """In words."""


class CheckpointMeasurements(TableRecord):
    """One checkpoint."""

    name: str
    """As the user calls it."""

    source: str
    """Path or name of the model."""

    numerics: Numerics
    """What the probes of the backend showed."""

    vs_origin: Matrix
    """[general documents, 3] divergence from the origin, covered share and agreement, means over the tokens of a
    document; empty where the most probable tokens were not recorded."""

    relearning: RelearningMeasurements | None = None
    """The interventions; None where there were none."""


Hits = Annotated[str, Field(pattern="^[01]*$")]
"""One character a document: 1 where it is right."""


class TaskMeasurements(Record):
    """A labelled set and which of its documents every model got right."""

    name: str
    """As its user calls it."""

    source: str
    """Where it was read from."""

    sha256: str
    """Digest of its texts."""

    classes: tuple[str, ...]
    """The labels, sorted."""

    models: tuple[str, ...]
    """The untrained model, where there is one, and the checkpoints."""

    ids: tuple[str, ...]
    """[documents]."""

    unit: tuple[Count, ...]
    """[documents] number of the group of each."""

    observed: tuple[Hits, ...]
    """[models] where the true label was the likeliest."""

    probed: tuple[Hits, ...]
    """[models] where the probe was right."""


_ANSWERS = Unverifiable("which labelled texts were answered rightly, as they are never scored again", parts=("**",))


class SeriesMeasurements(Record):
    """What the figures of a series are made from."""

    checkpoints: tuple[CheckpointMeasurements, ...]
    """The origin first."""

    sets: dict[Role, SetMeasurements]
    """The corpora by role; `suspect` and `heldout` are always there."""

    tasks: Annotated[tuple[TaskMeasurements, ...], _ANSWERS] = ()
    """The labelled sets."""

    notes: Annotated[tuple[str, ...], _ANSWERS] = ()
    """What a reader of them has to know."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the checkpoints are called, in their order."""
        return tuple(checkpoint.name for checkpoint in self.checkpoints)

    @property
    def scores_sha256(self) -> str:
        """Digest of what was scored before any intervention."""
        without: dict[str, Any] = {"tasks": True, "notes": True, "checkpoints": {"__all__": {"relearning"}}}
        return canonical_sha256(self.model_dump(mode="json", exclude=without))

    def relearned(self, relearning: Mapping[str, RelearningMeasurements]) -> Self:
        """The same with the measurements of the interventions, by checkpoint."""
        points = (one.model_copy(update={"relearning": relearning.get(one.name)}) for one in self.checkpoints)
        return self.model_copy(update={"checkpoints": tuple(points)})

    def documents(self, *roles: Role) -> int:
        """How many documents some roles have together."""
        return sum(len(self.sets[role].ids) for role in roles)
