"""Accuracies of the series: intervals, exact tests between checkpoints, splits and the accuracy matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from auditor.inference.multiplicity import holm
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import TaskMeasurements
from auditor.results.forgetting.tasks import ForgettingSplit, MatrixMeasures, PairedTest, TaskPoint

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.intp]
CONFIDENCE = 0.95
_CHUNK_BYTES = 32_000_000


def accuracies(
    correct: Sequence[Bools], unit: Ints, units: int, *, bootstraps: int, rng: np.random.Generator
) -> tuple[Estimate, ...]:
    """The share of documents that are right, with a 95 % percentile interval over resampled groups.

    Groups are drawn with all their documents, the same draws for every member of `correct`, so figures of two models
    may be compared. Where every document is right, or none, all resamples agree although the truth need not: the exact
    binomial bound of as many groups is then taken (Clopper & Pearson 1934).

    Args:
        correct: For each model and measure, [documents] whether each is right.
        unit: [documents] the group of each, 0 to units - 1.
        units: How many groups there are.
        bootstraps: How many resamples.
        rng: Where the draws come from.
    """
    right = np.stack([np.bincount(unit, weights=one, minlength=units) for one in correct], axis=1)
    size = np.bincount(unit, minlength=units).astype(np.float64)
    samples = np.empty((bootstraps, len(correct)))
    step = max(1, _CHUNK_BYTES // (8 * units))
    for at in range(0, bootstraps, step):
        drawn = rng.multinomial(units, np.full(units, 1 / units), size=min(step, bootstraps - at)).astype(np.float64)
        samples[at : at + step] = (drawn @ right) / (drawn @ size)[:, None]
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
    """Two checkpoints on one task, and which documents each got right, by document id."""

    task: str
    earlier: str
    later: str
    before: Mapping[str, bool]
    after: Mapping[str, bool]


def mcnemar(lost: int, gained: int) -> float:
    """Two-sided exact p-value of McNemar's test.

    Null: a document that changed is as likely lost as gained. Unit: the document. Assumes documents to be independent.
    Source: McNemar 1947, in its exact binomial form. Without any change it is 1.
    """
    return min(1.0, float(binomtest(lost, lost + gained).pvalue)) if lost + gained else 1.0


def paired_tests(pairs: Sequence[Pair]) -> tuple[PairedTest, ...]:
    """Test all pairs, with Holm's correction over them.

    Documents are matched by id, never by their place in a list.

    Raises:
        ValueError: The two sides of a pair are not about the same documents.
    """
    counts = []
    for pair in pairs:
        if pair.before.keys() != pair.after.keys():
            raise ValueError(f"{pair.earlier} and {pair.later} did not read the same documents of {pair.task}")
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


def matrix_measures(accuracy: npt.NDArray[np.float64], origin: Sequence[float]) -> MatrixMeasures:
    """The measures of R[i, j], the accuracy on task j after stage i, for T tasks.

    * accuracy: mean over j of R[T-1, j] (Lopez-Paz & Ranzato 2017).
    * learning accuracy: mean of R[j, j] (Riemer et al. 2019). It plus backward transfer x (T-1)/T is the accuracy.
    * backward transfer: mean over j < T-1 of R[T-1, j] - R[j, j]; negative is forgetting (Lopez-Paz & Ranzato 2017).
    * forward transfer: mean over j > 0 of R[j-1, j] - r_j (the same). Here r_j is the origin's accuracy, so that it
      is the gain before the task was taught, "zero-shot gain": an untrained model's choice of label is decided by the
      lengths of the labels, not by the task.
    * forgetting (Chaudhry et al. 2018): mean over j < T-1 of max R[l, j] over l = j ... T-2, less R[T-1, j]. Negative
      where the last stage is the best.
    * clipped forgetting (as some libraries compute it): the same with the maximum over all rows, the last too, so never
      below zero and blind to gains.

    Args:
        accuracy: [T, T] R.
        origin: [T] accuracy before any task.
    """
    last, diagonal, tasks = accuracy[-1], np.diag(accuracy), len(accuracy)
    if tasks == 1:
        reason = "one task: transfer and forgetting need a task learned after it"
        return no_matrix(reason).model_copy(update={"accuracy": float(last[0]), "learning_accuracy": float(last[0])})
    earlier = range(tasks - 1)
    return MatrixMeasures(
        accuracy=float(last.mean()),
        learning_accuracy=float(diagonal.mean()),
        backward_transfer=float((last - diagonal)[:-1].mean()),
        forward_transfer=float(np.mean([accuracy[task - 1, task] - origin[task] for task in range(1, tasks)])),
        forgetting_chaudhry=float(np.mean([accuracy[task:-1, task].max() - last[task] for task in earlier])),
        forgetting_clipped=float(np.mean([accuracy[:, task].max() - last[task] for task in earlier])),
        reason="the checkpoints after the origin are taken to have learned one task each, in the order given; forward "
        "transfer is against the origin's accuracy, not an untrained model's (zero-shot gain)",
    )


def no_matrix(reason: str) -> MatrixMeasures:
    """No measures, and why."""
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
