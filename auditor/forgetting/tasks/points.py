"""One task under every model: which documents are right, and the lie of its classes."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.seeds import stream
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.tasks.answers import Answers
from auditor.forgetting.tasks.conclude import kept_hits
from auditor.forgetting.tasks.drift import Drift
from auditor.forgetting.tasks.geometry import (
    Geometry,
    directions,
    neighbour_angles,
    neighbours,
    overlap,
    shuffled_overlap,
)
from auditor.forgetting.tasks.probe import assign_folds, probe
from auditor.forgetting.tasks.reading import Task
from auditor.results.forgetting.measurements import TaskMeasurements


def measure_points(
    task: Task,
    models: Sequence[NamedCheckpoint],
    answers: Sequence[Answers],
    drift: Drift,
    *,
    origin: int,
    seed: int,
    shuffles: int,
) -> tuple[TaskMeasurements, list[Geometry]]:
    """Measure one task, with the same folds and shuffled labels for every model.

    The lie of the classes is that of the last layer, a choice that looks at no label.

    Args:
        task: The task.
        models: The models in the order wanted.
        answers: What each made of the task's documents.
        drift: Measures how far the head's rows have turned since the origin.
        origin: Place of the series' first checkpoint among the models; what stands before it is not of the series.
        seed: Seed of the audit.
        shuffles: Shuffled labellings behind `overlap_shuffled`.

    Returns:
        What is kept, and the figures of hidden states by model.
    """
    fold = assign_folds(task.labels, task.unit, task.units, stream(seed, f"task {task.name}: folds"))
    probed = [probe(given.states, task.labels, fold) for given in answers]
    vectors = [directions(given.states[:, -1]) for given in answers]
    near = neighbours(vectors[origin], task.labels)
    measurements = TaskMeasurements(
        name=task.name,
        source=task.corpus.source,
        sha256=task.corpus.sha256,
        classes=task.classes,
        models=tuple(model.name for model in models),
        ids=tuple(document.id for document in task.corpus.documents),
        unit=tuple(task.unit.tolist()),
        observed=tuple(kept_hits(given.correct) for given in answers),
        probed=tuple(kept_hits(found.correct) for found in probed),
    )
    return measurements, [
        Geometry(
            probe_layers=tuple(probed[place].by_layer.mean(axis=1).tolist()),
            overlap=overlap(vectors[place], task.labels),
            overlap_shuffled=shuffled_overlap(
                vectors[place],
                task.labels,
                shuffles=shuffles,
                rng=stream(seed, f"task {task.name}: shuffled labels"),
            ),
            neighbour_angles=neighbour_angles(vectors[place], task.labels, near) if place > origin else None,
            class_drift=drift(model.spec, answers[origin].tokens) if place >= origin else None,
        )
        for place, model in enumerate(models)
    ]
