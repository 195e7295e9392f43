"""Tasks: labelled data under a series, what the head forgot and what the representation forgot."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from auditor.core.record import Count, Number, Record, Share
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.layers import HIDDEN_STATES


class TaskPoint(Record):
    """One labelled task under one model."""

    model: str
    """Name of the checkpoint, or `untrained`: the same architecture with random weights."""

    task: str
    """Name of the task."""

    observed: Estimate
    """Accuracy of choosing the label of highest likelihood after the text."""

    probe: Estimate
    """Out-of-fold accuracy of a linear probe on the mean hidden states, of the best layer chosen on training folds
    alone."""

    probe_layers: Annotated[tuple[Share, ...], replace(HIDDEN_STATES, parts=("**",))]
    """Out-of-fold probe accuracy layer by layer, embeddings first."""

    overlap: Annotated[Share | None, HIDDEN_STATES]
    """Mean share of class pairs whose cones overlap (Tao et al. 2023, section 4.1, approximated), centred."""

    overlap_shuffled: Annotated[Share | None, HIDDEN_STATES]
    """The same with shuffled labels."""

    neighbour_angles: Annotated[Number | None, HIDDEN_STATES]
    """Pearson correlation of each text's angle to its class with that of its nearest neighbours at the origin (Tao
    et al. 2023, Table 1); None at the origin and for the untrained model."""

    class_drift: Annotated[Number | None, HIDDEN_STATES]
    """Mean angle (degrees) between each label's unembedding row and the origin's; None where there is none."""


class ForgettingSplit(Record):
    """Forgetting of one task from its own checkpoint to the last, split by where it happened.

    Where the checkpoints are not one a task in their order, `MatrixMeasures.reason` says from which it is counted.
    """

    task: str
    observed: Number
    """Observed accuracy then less now."""

    representation: Number
    """Probe accuracy then less now."""

    head: Number
    """The first less the second; it can exceed the first where probe accuracy rose."""


class PairedTest(Record):
    """Exact McNemar test between two checkpoints on the same documents of one task."""

    task: str
    earlier: str
    later: str
    lost: Count
    """Documents right at `earlier` and wrong at `later`."""

    gained: Count
    """The other way."""

    p_value: Share
    """Two-sided binomial. Null: a change is as likely a loss as a gain. Unit: the document."""

    p_adjusted: Share
    """Over all pairs and tasks (Holm)."""


class MatrixMeasures(Record):
    """Measures of the accuracy matrix R[i, j], task j after stage i, each under its own name.

    None where the checkpoints are not one a task in their order, or a baseline is missing; `reason` says so.
    """

    accuracy: Number | None
    learning_accuracy: Number | None
    backward_transfer: Number | None
    forward_transfer: Number | None
    forgetting_chaudhry: Number | None
    forgetting_clipped: Number | None
    reason: str


class TaskFindings(Record):
    """Everything about labelled tasks."""

    tasks: tuple[str, ...]
    """Names in the order in which they were learned."""

    labels: tuple[tuple[str, ...], ...]
    """The classes of each task."""

    documents: tuple[Count, ...]
    """Documents of each task."""

    sources: tuple[str, ...]
    """Where each task was read from."""

    sha256: tuple[str, ...]
    """Digest of each task's texts."""

    points: tuple[TaskPoint, ...]
    """Every task under every model, the untrained one first."""

    splits: tuple[ForgettingSplit, ...]
    """Where each task's forgetting happened."""

    measures: MatrixMeasures
    """Of the observed accuracy matrix."""

    tests: tuple[PairedTest, ...]
    """Between consecutive checkpoints, and each task's own checkpoint against the last."""
