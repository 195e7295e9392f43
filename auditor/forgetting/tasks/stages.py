"""Which checkpoint taught which task, and what follows from it: splits, tests and the accuracy matrix."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from auditor.forgetting.tasks.intervals import Bools
from auditor.forgetting.tasks.matrix import matrix_measures, no_matrix
from auditor.forgetting.tasks.paired import Pair, mcnemar, paired_tests
from auditor.inference.multiplicity import holm
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.results.forgetting.tasks import ForgettingSplit, MatrixMeasures, PairedTest, TaskPoint

LEVEL = 0.05
"""At which a checkpoint counts as surely better than the origin, over all checkpoints and tasks."""


def own_checkpoints(correct: Sequence[Sequence[Bools]]) -> list[int]:
    """The checkpoint that each task's forgetting is counted from.

    With one checkpoint a task after the origin, in the order of the tasks, it is the task's own. Otherwise nobody has
    said which checkpoint taught what: it is the first before the last that is surely better than the origin (exact
    McNemar, Holm over checkpoints and tasks), and the origin where there is none. The best of several that differ by
    noise would look as if the last had forgotten.

    Args:
        correct: By task, then by checkpoint, [documents] which are right.
    """
    checkpoints = len(correct[0])
    if checkpoints == len(correct) + 1:
        return [task + 1 for task in range(len(correct))]
    tried = [(task, later) for task in range(len(correct)) for later in range(1, checkpoints - 1)]
    gains, p_values = [], []
    for task, later in tried:
        before, after = correct[task][0], correct[task][later]
        lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
        gains.append(gained - lost)
        p_values.append(mcnemar(lost, gained))
    own = [0] * len(correct)
    for (task, later), gain, p_value in zip(tried, gains, holm(p_values), strict=True):
        if not own[task] and p_value <= LEVEL and gain > 0:
            own[task] = later
    return own


def splits_of(points: Sequence[Sequence[TaskPoint]], own: Sequence[int]) -> tuple[ForgettingSplit, ...]:
    """Where each task's forgetting happened; none for a task whose own checkpoint is the last.

    Args:
        points: By task, then by checkpoint.
        own: Of `own_checkpoints`.
    """
    splits = []
    for row, start in zip(points, own, strict=True):
        then, now = row[start], row[-1]
        if start == len(row) - 1:
            continue
        observed, representation = then.observed.value - now.observed.value, then.probe.value - now.probe.value
        splits.append(
            ForgettingSplit(
                task=now.task,
                observed=observed,
                representation=representation,
                head=observed - representation,
            )
        )
    return tuple(splits)


def measures_of(points: Sequence[Sequence[TaskPoint]], own: Sequence[int]) -> MatrixMeasures:
    """The measures of the observed accuracies, where each task has a checkpoint of its own.

    Args:
        points: By task, then by checkpoint.
        own: Of `own_checkpoints`.
    """
    accuracy = np.array([[point.observed.value for point in row] for row in points]).T
    checkpoints, tasks = accuracy.shape
    if checkpoints == tasks + 1:
        return matrix_measures(accuracy[1:], accuracy[0])
    counted = ", ".join(f"of {row[0].task!r} from {row[start].model!r}" for row, start in zip(points, own, strict=True))
    return no_matrix(
        f"the series has {checkpoints - 1} checkpoints after the origin for {tasks} tasks, so nobody has said which "
        f"taught which. Forgetting is counted from the first checkpoint before the last that is surely better than the "
        f"origin, or from the origin: {counted}"
    )


def pairs_of(
    names: Sequence[str], tasks: Sequence[TaskMeasurements], correct: Sequence[Sequence[Bools]], own: Sequence[int]
) -> tuple[PairedTest, ...]:
    """Test consecutive checkpoints, and each task's own checkpoint against the last.

    Args:
        names: Of the checkpoints.
        tasks: The tasks.
        correct: As of `own_checkpoints`.
        own: Of `own_checkpoints`.
    """
    pairs = []
    for task, row, start in zip(tasks, correct, own, strict=True):
        right = [dict(zip(task.ids, given.tolist(), strict=True)) for given in row]
        steps = list(pairwise(range(len(names))))
        if start < len(names) - 2:
            steps.append((start, len(names) - 1))
        pairs += [Pair(task.name, names[a], names[b], right[a], right[b]) for a, b in steps]
    return paired_tests(pairs)
