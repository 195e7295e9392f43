"""Measure tasks under a series: predicted labels, probes of hidden states, geometry and drift of the classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations

import numpy as np
import numpy.typing as npt

from auditor.core.errors import AuditorError, reason_of
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.tasks.answers import Answers, score_answers
from auditor.forgetting.tasks.conclude import encode_hits
from auditor.forgetting.tasks.corpora import UNTRAINED, Task
from auditor.forgetting.tasks.geometry import (
    Geometry,
    directions,
    neighbour_angles,
    neighbours,
    overlap,
    shuffled_overlap,
)
from auditor.forgetting.tasks.probe import assign_folds, probe
from auditor.forgetting.weights.contents import open_weights
from auditor.forgetting.weights.tensors import NotComparedError, is_head
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
    """Measure every task under each checkpoint and the untrained architecture of the origin; errors as `score_answers`.

    Args:
        checkpoints: The series, the origin first; none is called `untrained`.
        tasks: Tasks of `read_tasks`, at least one.
        template: Template that joins a text and a label.
        store: Store of scores.
        max_tokens: Most tokens of a text read for its hidden states.
        seed: Seed of the audit.
        progress: Receives the scoring progress of each model.
        shuffles: Number of shuffled labellings behind `overlap_shuffled`.
    """
    notes = [note for task in tasks for note in _corpus_notes(task)]
    answers_of = partial(
        score_answers, tasks=tasks, template=template, store=store, max_tokens=max_tokens, progress=progress
    )
    models, answers = list(checkpoints), answers_of(checkpoints)
    try:
        spec = checkpoints[0].spec
        twin = open_model(f"{UNTRAINED_PREFIX}{spec.identity.source}", spec.options, store)
        untrained = NamedCheckpoint(UNTRAINED, twin)
        models, answers = [untrained, *models], [*answers_of([untrained]), *answers]
    except AuditorError as error:
        notes.append(f"No figures for an untrained model: {reason_of(error)}.")
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


def head_rows(spec: ModelSpec, tokens: Sequence[int]) -> npt.NDArray[np.float64]:
    """Output-layer rows [tokens, width] of the given tokens, read from the files; a tied head from the embeddings.

    Raises:
        NotComparedError: The rows cannot be read; the message is the reason, as the end of a sentence.
        UsageError: A file is incomplete.
        RunError: A file cannot be read.
    """
    weights = open_weights(spec)
    head = weights.of(next((name for name in weights.parameters if is_head(name)), "lm_head.weight"))
    if head is None:
        raise NotComparedError("its output layer has a name that auditor does not know")
    if len(head.stored.shape) != 2 or max(tokens) >= head.stored.shape[0]:
        raise NotComparedError("its output layer has no row for each token")
    rows = np.concatenate([head.stored.values((slice(token, token + 1),)) for token in tokens]).astype(np.float64)
    if head.added is not None:
        rows += head.added.left[list(tokens)] @ head.added.right
    return rows


def angles(then: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Angles [rows] in degrees between the rows of two matrices, accurate also for tiny angles."""
    first = then / np.maximum(np.linalg.norm(then, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    second = now / np.maximum(np.linalg.norm(now, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    apart, together = np.linalg.norm(first - second, axis=1), np.linalg.norm(first + second, axis=1)
    return np.asarray(np.degrees(2 * np.arctan2(apart, together)), dtype=np.float64)


class ClassDrift:
    """Class-embedding drift of checkpoints; the embedding of a class is the output-layer rows of its label's tokens.

    Args:
        origin: The first checkpoint of the series.
    """

    def __init__(self, origin: ModelSpec) -> None:
        self._origin = origin
        self._unreadable: dict[str, str] = {}

    def __call__(self, spec: ModelSpec, tokens: Sequence[Sequence[int]]) -> float | None:
        """Mean angle (degrees) over the labels; the angle of a label is the mean over its tokens.

        Args:
            spec: A checkpoint.
            tokens: Token ids of each label, at least one.

        Returns:
            None where the rows of the checkpoint or of the origin cannot be read.
        """
        order = list(dict.fromkeys(token for label in tokens for token in label))
        then, now = self._rows(self._origin, order), self._rows(spec, order)
        if then is None or now is None or then.shape != now.shape:
            return None
        turned = dict(zip(order, angles(then, now).tolist(), strict=True))
        return float(np.mean([np.mean([turned[token] for token in label]) for label in tokens]))

    def _rows(self, spec: ModelSpec, tokens: Sequence[int]) -> npt.NDArray[np.float64] | None:
        try:
            return head_rows(spec, tokens)
        except NotComparedError as reason:
            self._unreadable[spec.identity.source] = str(reason)
            return None

    @property
    def notes(self) -> list[str]:
        """A sentence for each model whose rows cannot be read."""
        return [f"No class-embedding drift for {source}: {reason}." for source, reason in self._unreadable.items()]
