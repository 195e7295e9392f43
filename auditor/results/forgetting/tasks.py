"""Tasks: labelled data under a series, what the head forgot and what the representation forgot."""

from __future__ import annotations

from auditor.core.record import Count, Number, Record, Share
from auditor.results.forgetting.estimate import Estimate


class TaskPoint(Record):
    """One labelled task under one model.

    Attributes:
        model: Name of the checkpoint, or `untrained`: the same architecture with random weights.
        task: Name of the task.
        observed: Accuracy of choosing the label of highest likelihood after the text.
        probe: Out-of-fold accuracy of a linear probe on the mean hidden states, of the best layer chosen on training
            folds alone.
        probe_layers: Out-of-fold probe accuracy layer by layer, embeddings first.
        overlap: Mean share of class pairs whose cones overlap (Tao et al. 2023, section 4.1, approximated), centred.
        overlap_shuffled: The same with shuffled labels.
        neighbour_angles: Pearson correlation of each text's angle to its class with that of its nearest neighbours at
            the origin (Tao et al. 2023, Table 1); None at the origin and for the untrained model.
        class_drift: Mean angle (degrees) between each label's unembedding row and the origin's; None where there is
            none.
    """

    model: str
    task: str
    observed: Estimate
    probe: Estimate
    probe_layers: tuple[Share, ...]
    overlap: Share | None
    overlap_shuffled: Share | None
    neighbour_angles: Number | None
    class_drift: Number | None


class ForgettingSplit(Record):
    """Forgetting of one task from its own checkpoint to the last, split by where it happened.

    Where the checkpoints are not one a task in their order, `MatrixMeasures.reason` says from which it is counted.

    Attributes:
        observed: Observed accuracy then less now.
        representation: Probe accuracy then less now.
        head: The first less the second; it can exceed the first where probe accuracy rose.
    """

    task: str
    observed: Number
    representation: Number
    head: Number


class PairedTest(Record):
    """Exact McNemar test between two checkpoints on the same documents of one task.

    Attributes:
        lost: Documents right at `earlier` and wrong at `later`.
        gained: The other way.
        p_value: Two-sided binomial. Null: a change is as likely a loss as a gain. Unit: the document.
        p_adjusted: Over all pairs and tasks (Holm).
    """

    task: str
    earlier: str
    later: str
    lost: Count
    gained: Count
    p_value: Share
    p_adjusted: Share


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
    """Everything about labelled tasks.

    Attributes:
        tasks: Names in the order in which they were learned.
        labels: The classes of each task.
        documents: Documents of each task.
        sources: Where each task was read from.
        sha256: Digest of each task's texts.
        points: Every task under every model, the untrained one first.
        splits: Where each task's forgetting happened.
        measures: Of the observed accuracy matrix.
        tests: Between consecutive checkpoints, and each task's own checkpoint against the last.
    """

    tasks: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    documents: tuple[Count, ...]
    sources: tuple[str, ...]
    sha256: tuple[str, ...]
    points: tuple[TaskPoint, ...]
    splits: tuple[ForgettingSplit, ...]
    measures: MatrixMeasures
    tests: tuple[PairedTest, ...]
