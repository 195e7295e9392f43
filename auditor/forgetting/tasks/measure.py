"""Measure tasks under a series: ask for labels, probe hidden states, describe their geometry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations

from auditor.core.errors import AuditorError, first_line
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.tasks.answers import Answers, ask
from auditor.forgetting.tasks.conclude import kept_hits
from auditor.forgetting.tasks.corpora import UNTRAINED, Task
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
from auditor.models import untrained
from auditor.models.backend import ModelSpec
from auditor.models.loading import open_model
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.scoring.store import Store


@dataclass(frozen=True, slots=True)
class MeasuredTasks:
    """Labelled sets, measured.

    Attributes:
        kept: What accuracies, splits and tests are made from; see `conclude_tasks`.
        geometry: Figures of hidden states by task and model.
        notes: What a reader has to know, a sentence each.
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
    """Measure every task under every checkpoint and under the origin's architecture untrained.

    Args:
        checkpoints: The series, the origin first; none is called `untrained`.
        tasks: As `read_tasks` gave them; at least one.
        template: How a text and a label are joined to ask for the label.
        store: Where scores are kept.
        max_tokens: Read at most this many tokens of a text for its hidden states.
        seed: Seed of folds and shuffled labels.
        progress: Told of each model's scoring.
        shuffles: Shuffled labellings behind `overlap_shuffled`.

    Raises:
        UsageError: As `ask`.
        RunError: As `ask`.
    """
    notes = [note for task in tasks for note in _about(task)]
    put = partial(ask, tasks=tasks, template=template, store=store, max_tokens=max_tokens, progress=progress)
    models, answers = list(checkpoints), put(checkpoints)
    try:
        twin = NamedCheckpoint(UNTRAINED, _untrained(checkpoints[0].spec, store))
        models, answers = [twin, *models], [*put([twin]), *answers]
    except AuditorError as error:
        notes.append(f"No row of an untrained model: {first_line(error)}.")
    by_task = list(zip(*answers, strict=True))
    origin = len(models) - len(checkpoints)
    notes += [note for task, row in zip(tasks, by_task, strict=True) for note in _limits(task, row[origin])]
    drift = Drift(checkpoints[0].spec)
    points = [
        measure_points(task, models, row, drift, origin=origin, seed=seed, shuffles=shuffles)
        for task, row in zip(tasks, by_task, strict=True)
    ]
    notes += drift.notes
    return MeasuredTasks(
        measurements=tuple(kept for kept, _ in points),
        geometry={
            (kept.name, model): one for kept, found in points for model, one in zip(kept.models, found, strict=True)
        },
        notes=tuple(notes),
    )


def _untrained(origin: ModelSpec, store: Store) -> ModelSpec:
    """The origin's architecture with random weights."""
    return open_model(f"{untrained.UNTRAINED}{origin.identity.source}", origin.options, store)


def _about(task: Task) -> Iterator[str]:
    if task.corpus.dropped_duplicate:
        yield (
            f"Task {task.name!r}: {task.corpus.dropped_duplicate} texts repeat an earlier one and were left out, "
            "whatever their label."
        )
    if task.units < len(task.corpus.documents):
        yield (
            f"Task {task.name!r}: {len(task.corpus.documents)} documents in {task.units} groups. Intervals and folds "
            "go by group; McNemar's test takes the documents for independent, so its p-values are too small where "
            "those of a group change together."
        )


def _limits(task: Task, origin: Answers) -> Iterator[str]:
    for (first, begun), (second, whole) in permutations(zip(task.classes, origin.tokens, strict=True), 2):
        if whole[: len(begun)] == begun:
            yield (
                f"Task {task.name!r}: the tokens of the label {first!r} begin those of {second!r}, which can therefore "
                "never be the likelier of the two; observed accuracy needs labels that do not."
            )
    if origin.cut:
        yield (
            f"Task {task.name!r}: {origin.cut} documents fill the context; only the end of a longer one is read before "
            "its label."
        )
    if origin.shortened:
        yield f"Task {task.name!r}: the hidden states of {origin.shortened} documents are of their beginning alone."


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
