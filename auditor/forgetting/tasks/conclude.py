"""Task findings from stored answers: accuracies, splits, tests and matrix measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from auditor.core.seeds import stream
from auditor.forgetting.tasks.accuracy import accuracies, measures_of, own_checkpoints, pairs_of, splits_of
from auditor.forgetting.tasks.geometry import NO_GEOMETRY, Geometry
from auditor.inference.design import Bools
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
    """Compute every figure of the labelled sets; figures of hidden states are passed in.

    Args:
        tasks: Measurements of each task.
        geometry: Figures of hidden states by task and model.
        checkpoints: Number of models that belong to the series; a model before them is untrained.
        seed: Seed of the audit.
        bootstraps: Bootstrap samples of groups behind each interval.

    Returns:
        The findings; None without tasks.
    """
    if not tasks:
        return None
    points = [_points(task, geometry, seed, bootstraps) for task in tasks]
    series = [row[-checkpoints:] for row in points]
    correct = [[decode_hits(text) for text in task.observed[-checkpoints:]] for task in tasks]
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


def decode_hits(text: str) -> Bools:
    """[documents] whether each is right, from its stored form."""
    return np.array([character == "1" for character in text], dtype=np.bool_)


def encode_hits(correct: Bools) -> str:
    """The stored form of [documents] whether each is right: one character a document."""
    return "".join("1" if right else "0" for right in correct.tolist())


def _points(
    task: TaskMeasurements, geometry: Mapping[tuple[str, str], Geometry], seed: int, bootstraps: int
) -> list[TaskPoint]:
    unit = np.array(task.unit, dtype=np.intp)
    estimates = accuracies(
        [decode_hits(text) for text in (*task.observed, *task.probed)],
        unit,
        int(unit.max()) + 1,
        bootstraps=bootstraps,
        rng=stream(seed, f"task {task.name}: resamples"),
    )
    return [
        TaskPoint(
            model=model,
            task=task.name,
            observed=estimates[index],
            probe=estimates[len(task.models) + index],
            **asdict(geometry.get((task.name, model), NO_GEOMETRY)),
        )
        for index, model in enumerate(task.models)
    ]
