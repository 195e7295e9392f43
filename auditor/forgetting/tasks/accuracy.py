"""Accuracies of tasks over a series: intervals, exact tests between checkpoints, splits, accuracy matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from auditor.inference.design import Bools, Floats, Ints
from auditor.inference.multiplicity import holm
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.results.forgetting.tasks import ForgettingSplit, MatrixMeasures, PairedTest, TaskPoint

CONFIDENCE = 0.95
_CHUNK_BYTES = 32_000_000


def accuracies(
    correct: Sequence[Bools], unit: Ints, units: int, *, bootstraps: int, rng: np.random.Generator
) -> tuple[Estimate, ...]:
    """Accuracy with a 95 % percentile interval over bootstrap samples of groups.

    A group is drawn with all its documents, and every member of `correct` shares the draws, so figures of two models
    are comparable. Where every document is right, or none, all samples agree; the bound is then the exact binomial one
    for this number of groups (Clopper & Pearson 1934). Unit: the group. Assumption: groups are independent.

    Args:
        correct: For each model and measure, [documents] whether each is right.
        unit: [documents] index of the group, 0 to units - 1.
        units: Number of groups.
        bootstraps: Number of bootstrap samples.
        rng: Draws the samples.
    """
    right = np.stack([np.bincount(unit, weights=hits, minlength=units) for hits in correct], axis=1)
    size = np.bincount(unit, minlength=units).astype(np.float64)
    samples = np.empty((bootstraps, len(correct)))
    step = max(1, _CHUNK_BYTES // (8 * units))
    for start in range(0, bootstraps, step):
        drawn = rng.multinomial(units, np.full(units, 1 / units), size=min(step, bootstraps - start)).astype(np.float64)
        samples[start : start + step] = (drawn @ right) / (drawn @ size)[:, None]
    values = right.sum(axis=0) / size.sum()
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    ends = np.quantile(samples, tails, axis=0)
    certain = ((1 - CONFIDENCE) / 2) ** (1 / units)
    ends[0, values == 1], ends[1, values == 0] = certain, 1 - certain
    return tuple(
        Estimate(value=value, low=low, high=high, level=CONFIDENCE)
        for value, (low, high) in zip(values.tolist(), ends.T.tolist(), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Pair:
    """Two checkpoints on one task, with whether each document is right, by document id."""

    task: str
    earlier: str
    later: str
    before: Mapping[str, bool]
    after: Mapping[str, bool]


def mcnemar(lost: int, gained: int) -> float:
    """Two-sided exact p-value of McNemar's test; 1 without a change.

    Null: a changed document is as likely lost as gained. Unit: the document. Assumption: documents are independent.
    Source: McNemar 1947, in its exact binomial form.
    """
    from scipy.stats import binomtest  # takes a second to import: only where it is computed

    return min(1.0, float(binomtest(lost, lost + gained).pvalue)) if lost + gained else 1.0


def paired_tests(pairs: Sequence[Pair]) -> tuple[PairedTest, ...]:
    """McNemar tests of all pairs with Holm's correction over them; documents are matched by id.

    Raises:
        ValueError: The two sides of a pair do not have the same documents.
    """
    counts = []
    for pair in pairs:
        if pair.before.keys() != pair.after.keys():
            raise ValueError(f"{pair.earlier} and {pair.later} do not have the same documents of {pair.task}")
        lost = sum(right and not pair.after[name] for name, right in pair.before.items())
        gained = sum(pair.after[name] and not right for name, right in pair.before.items())
        counts.append((lost, gained))
    p_values = [mcnemar(lost, gained) for lost, gained in counts]
    return tuple(
        PairedTest(
            task=pair.task,
            earlier=pair.earlier,
            later=pair.later,
            lost=lost,
            gained=gained,
            p_value=p_value,
            p_adjusted=adjusted,
        )
        for pair, (lost, gained), p_value, adjusted in zip(pairs, counts, p_values, holm(p_values), strict=True)
    )


def matrix_measures(accuracy: Floats, origin: Sequence[float]) -> MatrixMeasures:
    """The measures of R[i, j], the accuracy on task j after stage i, for T tasks.

    * accuracy: mean over j of R[T-1, j] (Lopez-Paz & Ranzato 2017).
    * learning accuracy: mean of R[j, j] (Riemer et al. 2019). It plus backward transfer x (T-1)/T is the accuracy.
    * backward transfer: mean over j < T-1 of R[T-1, j] - R[j, j]; negative is forgetting (Lopez-Paz & Ranzato 2017).
    * forward transfer: mean over j > 0 of R[j-1, j] - r_j (the same). Here r_j is the accuracy of the origin, which
      makes it the gain before training on the task, "zero-shot gain"; label lengths, not the task, decide what an
      untrained model predicts.
    * forgetting (Chaudhry et al. 2018): mean over j < T-1 of max R[l, j] over l = j ... T-2, less R[T-1, j]. Negative
      where the last stage is the best.
    * clipped forgetting (as several libraries compute it): the same with the maximum over all rows, the last included,
      so never below zero and blind to gains.

    Args:
        accuracy: [T, T] the matrix R.
        origin: [T] accuracy of the origin.
    """
    last, diagonal, tasks = accuracy[-1], np.diag(accuracy), len(accuracy)
    if tasks == 1:
        reason = "there is one task: transfer and forgetting need a task learned after it"
        return no_matrix(reason).model_copy(update={"accuracy": float(last[0]), "learning_accuracy": float(last[0])})
    earlier = range(tasks - 1)
    return MatrixMeasures(
        accuracy=float(last.mean()),
        learning_accuracy=float(diagonal.mean()),
        backward_transfer=float((last - diagonal)[:-1].mean()),
        forward_transfer=float(np.mean([accuracy[task - 1, task] - origin[task] for task in range(1, tasks)])),
        forgetting_chaudhry=float(np.mean([accuracy[task:-1, task].max() - last[task] for task in earlier])),
        forgetting_clipped=float(np.mean([accuracy[:, task].max() - last[task] for task in earlier])),
        reason="assumes that the checkpoints after the origin learned one task each, in the order given; forward "
        "transfer is relative to the accuracy of the origin, not of an untrained model (zero-shot gain)",
    )


def no_matrix(reason: str) -> MatrixMeasures:
    """Empty measures with the reason."""
    return MatrixMeasures(
        accuracy=None,
        learning_accuracy=None,
        backward_transfer=None,
        forward_transfer=None,
        forgetting_chaudhry=None,
        forgetting_clipped=None,
        reason=reason,
    )


LEVEL = 0.05
"""Level at which a checkpoint counts as better than the origin, over all checkpoints and tasks."""


def own_checkpoints(correct: Sequence[Sequence[Bools]]) -> list[int]:
    """Index of the checkpoint from which each task's forgetting is counted.

    With one checkpoint a task after the origin, in the order of the tasks, it is the task's own. Otherwise it is
    unknown which checkpoint learned which task: it is then the first before the last that is significantly better than
    the origin (exact McNemar, Holm over checkpoints and tasks), else the origin. Taking the most accurate of several
    checkpoints that differ by noise would show forgetting where there is none.

    Args:
        correct: By task, then by checkpoint, [documents] whether each is right.
    """
    checkpoints = len(correct[0])
    if checkpoints == len(correct) + 1:
        return [task + 1 for task in range(len(correct))]
    candidates = [(task, later) for task in range(len(correct)) for later in range(1, checkpoints - 1)]
    gains, p_values = [], []
    for task, later in candidates:
        before, after = correct[task][0], correct[task][later]
        lost, gained = int((before & ~after).sum()), int((after & ~before).sum())
        gains.append(gained - lost)
        p_values.append(mcnemar(lost, gained))
    own = [0] * len(correct)
    for (task, later), gain, p_value in zip(candidates, gains, holm(p_values), strict=True):
        if not own[task] and p_value <= LEVEL and gain > 0:
            own[task] = later
    return own


def splits_of(points: Sequence[Sequence[TaskPoint]], own: Sequence[int]) -> tuple[ForgettingSplit, ...]:
    """Forgetting of each task, split by where it happened; none for a task whose own checkpoint is the last.

    Args:
        points: By task, then by checkpoint.
        own: Indices from `own_checkpoints`.
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
    """Measures of the matrix of observed accuracies; empty unless each task has a checkpoint of its own.

    Args:
        points: By task, then by checkpoint.
        own: Indices from `own_checkpoints`.
    """
    accuracy = np.array([[point.observed.value for point in row] for row in points]).T
    checkpoints, tasks = accuracy.shape
    if checkpoints == tasks + 1:
        return matrix_measures(accuracy[1:], accuracy[0])
    counted = ", ".join(f"of {row[0].task!r} from {row[start].model!r}" for row, start in zip(points, own, strict=True))
    return no_matrix(
        f"the series has {checkpoints - 1} checkpoints after the origin for {tasks} tasks, so it is unknown which "
        f"checkpoint learned which task. Forgetting is counted from the first checkpoint before the last that is "
        f"significantly better than the origin, else from the origin: {counted}"
    )


def pairs_of(
    names: Sequence[str], tasks: Sequence[TaskMeasurements], correct: Sequence[Sequence[Bools]], own: Sequence[int]
) -> tuple[PairedTest, ...]:
    """Test consecutive checkpoints, and each task's own checkpoint against the last.

    Args:
        names: Names of the checkpoints.
        tasks: The tasks.
        correct: By task, then by checkpoint, [documents] whether each is right.
        own: Indices from `own_checkpoints`.
    """
    pairs = []
    for task, row, start in zip(tasks, correct, own, strict=True):
        right = [dict(zip(task.ids, hits.tolist(), strict=True)) for hits in row]
        steps = list(pairwise(range(len(names))))
        if start < len(names) - 2:
            steps.append((start, len(names) - 1))
        pairs += [Pair(task.name, names[a], names[b], right[a], right[b]) for a, b in steps]
    return paired_tests(pairs)
