"""Whether what was kept of a series fits together: an edited file may hold anything."""

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
    """Refuse what no run can have kept.

    Raises:
        UsageError: Documents, checkpoints and figures do not match.
    """
    for misfit in _misfits(measurements):
        raise UsageError(f"what was kept of the series does not fit together: {misfit}")


def _misfits(measurements: SeriesMeasurements) -> Iterator[str]:
    points = len(measurements.checkpoints)
    if not {"suspect", "heldout"} <= set(measurements.sets):
        yield "the suspect or the held-out set is missing"
        return
    if len(set(measurements.names)) != points or points < 2:
        yield "it needs two checkpoints and a name for each"
    for role, some in measurements.sets.items():
        for misfit in _misfits_of_set(measurements, role, some, points):
            yield f"{role}: {misfit}"
    general = measurements.documents("general") if "general" in measurements.sets else 0
    for task in measurements.tasks:
        if any(_misfits_of_task(measurements, task)):
            yield f"task {task.name}: documents, models and hits do not match"
    for checkpoint in measurements.checkpoints:
        if len(checkpoint.vs_origin) and checkpoint.vs_origin.shape != (general, 3):
            yield f"{checkpoint.name}: divergence and agreement are not of the general documents"
        if checkpoint.relearning is not None:
            for misfit in _misfits_of_relearning(measurements, checkpoint.relearning):
                yield f"{checkpoint.name}: {misfit}"


def _misfits_of_set(measurements: SeriesMeasurements, role: Role, some: SetMeasurements, points: int) -> Iterator[str]:
    count, compared = len(some.ids), role in COMPARED
    if len(some.groups) != count or len(some.truncated) != points:
        yield "ids, groups and checkpoints do not match"
    if set(some.measures) != (set(MEASURES) if compared else {"loss"}):
        yield "a measure is missing"
    elif not all(cells.shape == (count, points) for cells in some.measures.values()):
        yield "the measures are not of these documents and checkpoints"
    elif np.isnan(some.measures["loss"]).any(axis=1).all():
        yield "no document has a loss"
    if len(some.features) != (points if compared else 0):
        yield "the features are not of these checkpoints"
    columns = [table.columns for table in measurements.sets["heldout"].features[:1]]
    for table in some.features:
        if table.values.shape != (count, len(table.columns)) or [table.columns] != columns:
            yield "the features are not of these documents"


def _misfits_of_relearning(measurements: SeriesMeasurements, relearning: RelearningMeasurements) -> Iterator[str]:
    for probe in relearning.probes:
        roles = COMPARED[: len(probe.roles)]
        if len(roles) < 2 or probe.roles != roles or not set(roles) <= set(measurements.sets):
            yield f"the sets of {probe.name} are not those of the series"
            continue
        rows, steps = measurements.documents(*roles), len(probe.steps)
        if len(relearning.per_token) < rows:
            yield "losses of the checkpoint as it is are missing"
        if not steps or {role for copy in probe.copies for role in copy.sets} != set(roles):
            yield f"copies or steps of {probe.name} are missing"
        losses = [cells for copy in probe.copies for cells in (copy.per_byte, copy.per_token)]
        if any(cells.shape != (rows, steps) for cells in losses):
            yield f"the losses of {probe.name} are not of these documents and steps"


def _misfits_of_task(measurements: SeriesMeasurements, task: TaskMeasurements) -> tuple[bool, ...]:
    models, documents = len(task.models), len(task.ids)
    return (
        task.models[-len(measurements.checkpoints) :] != measurements.names,
        task.models != measurements.tasks[0].models,
        not documents or len(task.unit) != documents or set(task.unit) != set(range(len(set(task.unit)))),
        len(task.observed) != models or len(task.probed) != models,
        any(len(hits) != documents for hits in (*task.observed, *task.probed)),
        len(set(task.ids)) != documents,
    )
