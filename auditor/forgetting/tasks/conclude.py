"""From which documents of a task every model got right to accuracies, splits and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auditor.core.seeds import stream
from auditor.forgetting.tasks.accuracy import Bools, accuracies, measures_of, own_checkpoints, pairs_of, splits_of
from auditor.forgetting.tasks.geometry import NO_GEOMETRY, Geometry
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.results.forgetting.tasks import TaskFindings, TaskPoint


def conclude_tasks(
    tasks: Sequence[TaskMeasurements],
    geometry: Mapping[tuple[str, str], Geometry],
    *,
    checkpoints: int,
    seed: int,
    bootstraps: int = 2000,
) -> TaskFindings | None:
    """Every figure of labelled sets but those of hidden states, which are given.

    Args:
        tasks: What was kept of each.
        geometry: Figures of hidden states by task and model.
        checkpoints: How many models are of the series; one before them is untrained.
        seed: Seed of the resamples.
        bootstraps: Resamples of groups behind each interval.

    Returns:
        None without tasks.
    """
    if not tasks:
        return None
    points = [_points(task, geometry, seed, bootstraps) for task in tasks]
    series = [row[-checkpoints:] for row in points]
    correct = [[hits(one) for one in task.observed[-checkpoints:]] for task in tasks]
    own = own_checkpoints(correct)
    return TaskFindings(
        tasks=tuple(task.name for task in tasks),
        labels=tuple(task.classes for task in tasks),
        documents=tuple(len(task.ids) for task in tasks),
        sources=tuple(task.source for task in tasks),
        sha256=tuple(task.sha256 for task in tasks),
        points=tuple(point for model in zip(*points, strict=True) for point in model),
        splits=splits_of(series, own),
        measures=measures_of(series, own),
        tests=pairs_of(tasks[0].models[-checkpoints:], tasks, correct, own),
    )


def hits(kept: str) -> Bools:
    """[documents] which are right."""
    return np.array([one == "1" for one in kept], dtype=np.bool_)


def kept_hits(correct: Bools) -> str:
    """The same as it is kept."""
    return "".join("1" if one else "0" for one in correct.tolist())


def _points(
    task: TaskMeasurements, geometry: Mapping[tuple[str, str], Geometry], seed: int, bootstraps: int
) -> list[TaskPoint]:
    unit = np.array(task.unit, dtype=np.intp)
    estimates = accuracies(
        [hits(one) for one in (*task.observed, *task.probed)],
        unit,
        int(unit.max()) + 1,
        bootstraps=bootstraps,
        rng=stream(seed, f"task {task.name}: resamples"),
    )
    found = []
    for place, model in enumerate(task.models):
        shape = geometry.get((task.name, model), NO_GEOMETRY)
        found.append(
            TaskPoint(
                model=model,
                task=task.name,
                observed=estimates[place],
                probe=estimates[len(task.models) + place],
                probe_layers=shape.probe_layers,
                overlap=shape.overlap,
                overlap_shuffled=shape.overlap_shuffled,
                neighbour_angles=shape.neighbour_angles,
                class_drift=shape.class_drift,
            )
        )
    return found
