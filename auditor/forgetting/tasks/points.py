"""One task under every model: accuracies, probes and the lie of its classes."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.forgetting.findings.tasks import TaskPoint
from auditor.forgetting.series import Named
from auditor.forgetting.tasks.answers import Answers
from auditor.forgetting.tasks.drift import Drift
from auditor.forgetting.tasks.geometry import directions, neighbour_angles, neighbours, overlap, shuffled_overlap
from auditor.forgetting.tasks.intervals import accuracies
from auditor.forgetting.tasks.probe import assign_folds, probe
from auditor.forgetting.tasks.reading import Task
from auditor.randomness import stream


def measure_points(
    task: Task,
    models: Sequence[Named],
    answers: Sequence[Answers],
    drift: Drift,
    *,
    origin: int,
    seed: int,
    bootstraps: int,
    shuffles: int,
) -> list[TaskPoint]:
    """Measure one task, with the same folds, resamples and shuffled labels for every model.

    The lie of the classes is that of the last layer, a choice that looks at no label.

    Args:
        task: The task.
        models: The models in the order wanted.
        answers: What each made of the task's documents.
        drift: Measures how far the head's rows have turned since the origin.
        origin: Place of the series' first checkpoint among the models; what stands before it is not of the series.
        seed: Seed of the audit.
        bootstraps: Resamples of groups behind each interval.
        shuffles: Shuffled labellings behind `overlap_shuffled`.
    """
    fold = assign_folds(task.labels, task.unit, task.units, stream(seed, f"task {task.name}: folds"))
    probed = [probe(given.states, task.labels, fold) for given in answers]
    estimates = accuracies(
        [given.correct for given in answers] + [found.correct for found in probed],
        task.unit,
        task.units,
        bootstraps=bootstraps,
        rng=stream(seed, f"task {task.name}: resamples"),
    )
    vectors = [directions(given.states[:, -1]) for given in answers]
    near = neighbours(vectors[origin], task.labels)
    return [
        TaskPoint(
            model=model.name,
            task=task.name,
            observed=estimates[place],
            probe=estimates[len(models) + place],
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
