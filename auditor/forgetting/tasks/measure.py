"""Tasks under a series: asked, probed, compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import permutations

from auditor.errors import AuditorError, first_line
from auditor.forgetting.findings.tasks import TaskFindings
from auditor.forgetting.series import Named
from auditor.forgetting.tasks.answers import Answers, ask
from auditor.forgetting.tasks.drift import Drift
from auditor.forgetting.tasks.points import measure_points
from auditor.forgetting.tasks.reading import UNTRAINED, Task
from auditor.forgetting.tasks.stages import measures_of, own_checkpoints, pairs_of, splits_of
from auditor.models import untrained
from auditor.models.backend import ModelSpec
from auditor.models.loading import open_model
from auditor.scoring.progress import Progress
from auditor.scoring.store import Store


def measure_tasks(
    checkpoints: Sequence[Named],
    tasks: Sequence[Task],
    *,
    template: str,
    store: Store,
    max_tokens: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    bootstraps: int = 2000,
    shuffles: int = 20,
) -> tuple[TaskFindings, tuple[str, ...]]:
    """Measure every task under every checkpoint and under the origin's architecture untrained.

    Args:
        checkpoints: The series, the origin first; none is called `untrained`.
        tasks: As `read_tasks` gave them; at least one.
        template: How a text and a label are joined to ask for the label.
        store: Where scores are kept.
        max_tokens: Read at most this many tokens of a text for its hidden states.
        seed: Seed of folds, resamples and shuffled labels.
        progress: Told of each model's scoring.
        bootstraps: Resamples of groups behind each interval.
        shuffles: Shuffled labellings behind `overlap_shuffled`.

    Returns:
        The findings, and what a reader of them has to know, a sentence each.

    Raises:
        UsageError: As `ask`.
        RunError: As `ask`.
    """
    notes = [note for task in tasks for note in _about(task)]
    put = partial(ask, tasks=tasks, template=template, store=store, max_tokens=max_tokens, progress=progress)
    models, answers = list(checkpoints), put(checkpoints)
    try:
        twin = Named(UNTRAINED, _untrained(checkpoints[0].spec, store))
        models, answers = [twin, *models], [*put([twin]), *answers]
    except AuditorError as error:
        notes.append(f"No row of an untrained model: {first_line(error)}.")
    by_task = list(zip(*answers, strict=True))
    origin = len(models) - len(checkpoints)
    notes += [note for task, row in zip(tasks, by_task, strict=True) for note in _limits(task, row[origin])]
    drift = Drift(checkpoints[0].spec)
    points = [
        measure_points(task, models, row, drift, origin=origin, seed=seed, bootstraps=bootstraps, shuffles=shuffles)
        for task, row in zip(tasks, by_task, strict=True)
    ]
    notes += drift.notes
    series, given = [row[origin:] for row in points], [row[origin:] for row in by_task]
    own = own_checkpoints(given)
    findings = TaskFindings(
        tasks=tuple(task.name for task in tasks),
        labels=tuple(task.classes for task in tasks),
        documents=tuple(len(task.corpus.documents) for task in tasks),
        sources=tuple(task.corpus.source for task in tasks),
        sha256=tuple(task.corpus.sha256 for task in tasks),
        points=tuple(point for model in zip(*points, strict=True) for point in model),
        splits=splits_of(series, own),
        measures=measures_of(series, own),
        tests=pairs_of([one.name for one in checkpoints], tasks, given, own),
    )
    return findings, tuple(notes)


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
