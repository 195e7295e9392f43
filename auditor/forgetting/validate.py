"""Consistency checks on the measurements of a series read from a file, which may have been edited."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from auditor.core.errors import UsageError
from auditor.results.forgetting.measurements import (
    COMPARED,
    MEASURES,
    RelearningMeasurements,
    Role,
    SeriesMeasurements,
    SetMeasurements,
    TaskMeasurements,
)


def require_consistent(measurements: SeriesMeasurements) -> None:
    """Refuse measurements that no run can have written.

    Raises:
        UsageError: Documents, checkpoints and figures do not match.
    """
    for problem in _problems(measurements):
        raise UsageError(f"the measurements of the series are inconsistent: {problem}")


def _problems(measurements: SeriesMeasurements) -> Iterator[str]:
    points = len(measurements.checkpoints)
    if not {"suspect", "heldout"} <= set(measurements.sets):
        yield "the suspect or the held-out set is missing"
        return
    if len(set(measurements.names)) != points or points < 2:
        yield "a series needs two checkpoints and a unique name for each"
    for role, corpus in measurements.sets.items():
        for problem in _problems_of_set(measurements, role, corpus, points):
            yield f"{role}: {problem}"
    general = measurements.documents("general") if "general" in measurements.sets else 0
    for task in measurements.tasks:
        if any(_mismatches_of_task(measurements, task)):
            yield f"task {task.name}: documents, models and predictions do not match"
    for checkpoint in measurements.checkpoints:
        if len(checkpoint.vs_origin) and checkpoint.vs_origin.shape != (general, 3):
            yield f"{checkpoint.name}: divergence and agreement do not match the general documents"
        if checkpoint.relearning is not None:
            for problem in _problems_of_relearning(measurements, checkpoint.relearning):
                yield f"{checkpoint.name}: {problem}"


def _problems_of_set(
    measurements: SeriesMeasurements, role: Role, corpus: SetMeasurements, points: int
) -> Iterator[str]:
    count, compared = len(corpus.ids), role in COMPARED
    if len(corpus.groups) != count or len(corpus.truncated) != points:
        yield "ids, groups and checkpoints do not match"
    if set(corpus.measures) != (set(MEASURES) if compared else {"loss"}):
        yield "a measure is missing"
    elif not all(values.shape == (count, points) for values in corpus.measures.values()):
        yield "the measures do not match the documents and checkpoints"
    elif np.isnan(corpus.measures["loss"]).any(axis=1).all():
        yield "no document has a loss"
    if len(corpus.features) != (points if compared else 0):
        yield "the features do not match the checkpoints"
    columns = [table.columns for table in measurements.sets["heldout"].features[:1]]
    for table in corpus.features:
        if table.values.shape != (count, len(table.columns)) or [table.columns] != columns:
            yield "the features do not match the documents"


def _problems_of_relearning(measurements: SeriesMeasurements, relearning: RelearningMeasurements) -> Iterator[str]:
    for probe in relearning.probes:
        roles = COMPARED[: len(probe.roles)]
        if len(roles) < 2 or probe.roles != roles or not set(roles) <= set(measurements.sets):
            yield f"the sets of {probe.name} do not match those of the series"
            continue
        rows, steps = measurements.documents(*roles), len(probe.steps)
        if len(relearning.per_token) < rows:
            yield "losses of the unchanged checkpoint are missing"
        if not steps or {role for copy in probe.copies for role in copy.sets} != set(roles):
            yield f"copies or steps of {probe.name} are missing"
        losses = [values for copy in probe.copies for values in (copy.per_byte, copy.per_token)]
        if any(values.shape != (rows, steps) for values in losses):
            yield f"the losses of {probe.name} do not match the documents and steps"


def _mismatches_of_task(measurements: SeriesMeasurements, task: TaskMeasurements) -> tuple[bool, ...]:
    models, documents = len(task.models), len(task.ids)
    return (
        task.models[-len(measurements.checkpoints) :] != measurements.names,
        task.models != measurements.tasks[0].models,
        not documents or len(task.unit) != documents or set(task.unit) != set(range(len(set(task.unit)))),
        len(task.observed) != models or len(task.probed) != models,
        any(len(hits) != documents for hits in (*task.observed, *task.probed)),
        len(set(task.ids)) != documents,
    )
