"""Measure tasks under a series: predicted labels, probes of hidden states, geometry of the classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations

from auditor.core.errors import AuditorError, first_line
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.tasks.answers import Answers, score_answers
from auditor.forgetting.tasks.conclude import encode_hits
from auditor.forgetting.tasks.corpora import UNTRAINED, Task
from auditor.forgetting.tasks.drift import ClassDrift
from auditor.forgetting.tasks.geometry import (
    Geometry,
    directions,
    neighbour_angles,
    neighbours,
    overlap,
    shuffled_overlap,
)
from auditor.forgetting.tasks.probe import assign_folds, probe
from auditor.models.backend import ModelSpec
from auditor.models.loading import open_model
from auditor.models.untrained import PREFIX as UNTRAINED_PREFIX
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.scoring.store import Store


@dataclass(frozen=True, slots=True)
class MeasuredTasks:
    """Measurements of the labelled sets.

    Attributes:
        measurements: Input of accuracies, splits and tests; see `conclude_tasks`.
        geometry: Figures of hidden states by task and model.
        notes: Notes for the reader, a sentence each.
    """

    measurements: tuple[TaskMeasurements, ...] = ()
    geometry: Mapping[tuple[str, str], Geometry] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def measure_tasks(
    checkpoints: Sequence[NamedCheckpoint],
    tasks: Sequence[Task],
    *,
    template: str,
    store: Store,
    max_tokens: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    shuffles: int = 20,
) -> MeasuredTasks:
    """Measure every task under every checkpoint, and under the untrained architecture of the origin.

    Args:
        checkpoints: The series, the origin first; none is called `untrained`.
        tasks: Tasks of `read_tasks`, at least one.
        template: Template that joins a text and a label.
        store: Store of scores.
        max_tokens: Most tokens of a text read for its hidden states.
        seed: Seed of the audit.
        progress: Receives the scoring progress of each model.
        shuffles: Number of shuffled labellings behind `overlap_shuffled`.

    Raises:
        UsageError: As `score_answers`.
        RunError: As `score_answers`.
    """
    notes = [note for task in tasks for note in _corpus_notes(task)]
    answers_of = partial(
        score_answers, tasks=tasks, template=template, store=store, max_tokens=max_tokens, progress=progress
    )
    models, answers = list(checkpoints), answers_of(checkpoints)
    try:
        untrained = NamedCheckpoint(UNTRAINED, _untrained(checkpoints[0].spec, store))
        models, answers = [untrained, *models], [*answers_of([untrained]), *answers]
    except AuditorError as error:
        notes.append(f"No figures for an untrained model: {first_line(error)}.")
    by_task = list(zip(*answers, strict=True))
    origin = len(models) - len(checkpoints)
    notes += [note for task, row in zip(tasks, by_task, strict=True) for note in _answer_notes(task, row[origin])]
    drift = ClassDrift(checkpoints[0].spec)
    measured = [
        measure_points(task, models, row, drift, origin=origin, seed=seed, shuffles=shuffles)
        for task, row in zip(tasks, by_task, strict=True)
    ]
    notes += drift.notes
    return MeasuredTasks(
        measurements=tuple(measurements for measurements, _ in measured),
        geometry={
            (measurements.name, model): geometry
            for measurements, row in measured
            for model, geometry in zip(measurements.models, row, strict=True)
        },
        notes=tuple(notes),
    )


def _untrained(origin: ModelSpec, store: Store) -> ModelSpec:
    """The architecture of the origin with random weights."""
    return open_model(f"{UNTRAINED_PREFIX}{origin.identity.source}", origin.options, store)


def _corpus_notes(task: Task) -> Iterator[str]:
    if task.corpus.dropped_duplicate:
        yield (
            f"Task {task.name!r}: {task.corpus.dropped_duplicate} texts repeat an earlier text and are left out, "
            "whatever their label."
        )
    if task.units < len(task.corpus.documents):
        yield (
            f"Task {task.name!r}: {len(task.corpus.documents)} documents in {task.units} groups. Intervals and folds "
            "keep groups whole; McNemar's test assumes independent documents, so its p-values are too small where "
            "the documents of a group change together."
        )


def _answer_notes(task: Task, origin: Answers) -> Iterator[str]:
    for (first, prefix), (second, tokens) in permutations(zip(task.classes, origin.tokens, strict=True), 2):
        if tokens[: len(prefix)] == prefix:
            yield (
                f"Task {task.name!r}: the tokens of the label {second!r} start with those of {first!r}, so {second!r} "
                "is never the likelier of the two; observed accuracy needs labels without a common start."
            )
    if origin.cut:
        yield (
            f"Task {task.name!r}: {origin.cut} documents fill the context; of a longer text only the end is read "
            "before its label."
        )
    if origin.shortened:
        yield f"Task {task.name!r}: the hidden states of {origin.shortened} documents cover only their beginning."


def measure_points(
    task: Task,
    models: Sequence[NamedCheckpoint],
    answers: Sequence[Answers],
    drift: ClassDrift,
    *,
    origin: int,
    seed: int,
    shuffles: int,
) -> tuple[TaskMeasurements, list[Geometry]]:
    """Measure one task, with the same folds and shuffled labels for every model.

    The geometry is that of the last layer, a choice that depends on no label.

    Args:
        task: The task.
        models: The models in the order of the result.
        answers: Answers of each model.
        drift: Measures class-embedding drift.
        origin: Index of the first checkpoint of the series; models before it do not belong to the series.
        seed: Seed of the audit.
        shuffles: Number of shuffled labellings behind `overlap_shuffled`.

    Returns:
        The measurements, and the figures of hidden states by model.
    """
    fold = assign_folds(task.labels, task.unit, task.units, stream(seed, f"task {task.name}: folds"))
    probed = [probe(answer.states, task.labels, fold) for answer in answers]
    vectors = [directions(answer.states[:, -1]) for answer in answers]
    near = neighbours(vectors[origin], task.labels)
    measurements = TaskMeasurements(
        name=task.name,
        source=task.corpus.source,
        sha256=task.corpus.sha256,
        classes=task.classes,
        models=tuple(model.name for model in models),
        ids=tuple(document.id for document in task.corpus.documents),
        unit=tuple(task.unit.tolist()),
        observed=tuple(encode_hits(answer.correct) for answer in answers),
        probed=tuple(encode_hits(predictions.correct) for predictions in probed),
    )
    return measurements, [
        Geometry(
            probe_layers=tuple(probed[index].by_layer.mean(axis=1).tolist()),
            overlap=overlap(vectors[index], task.labels),
            overlap_shuffled=shuffled_overlap(
                vectors[index],
                task.labels,
                shuffles=shuffles,
                rng=stream(seed, f"task {task.name}: shuffled labels"),
            ),
            neighbour_angles=neighbour_angles(vectors[index], task.labels, near) if index > origin else None,
            class_drift=drift(model.spec, answers[origin].tokens) if index >= origin else None,
        )
        for index, model in enumerate(models)
    ]
