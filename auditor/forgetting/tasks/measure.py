"""Tasks under a series: asked, probed, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations

from auditor.core.errors import AuditorError, first_line
from auditor.core.progress import Progress
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.tasks.answers import Answers, ask
from auditor.forgetting.tasks.drift import Drift
from auditor.forgetting.tasks.geometry import Geometry
from auditor.forgetting.tasks.points import measure_points
from auditor.forgetting.tasks.reading import UNTRAINED, Task
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
