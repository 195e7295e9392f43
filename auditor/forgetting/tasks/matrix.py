"""Measures of the accuracy matrix, each by its own formula and under its own name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auditor.results.forgetting.tasks import MatrixMeasures


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
