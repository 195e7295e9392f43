"""Movements: how far each document's loss went since the origin, beyond the drift of the model."""

from __future__ import annotations

import numpy as np

from auditor.forgetting.measures.columns import Columns, read_columns
from auditor.forgetting.measures.memorisation import memorised_line
from auditor.inference.design import Floats
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.series import ChangeDeciles, DocumentChange

DECILES = tuple(number / 10 for number in range(1, 10))


def largest_changes(measurements: SeriesMeasurements, *, limit: int = 20) -> tuple[DocumentChange, ...]:
    """The suspect documents that moved farthest at any checkpoint, the farthest first.

    A movement is the document's change of bits per byte since the origin less the mean change of the held-out
    documents. The largest of many is large by itself: the list shows where to look and proves nothing.

    Args:
        measurements: The series.
        limit: How many.
    """
    suspect, heldout = read_columns(measurements, "suspect"), read_columns(measurements, "heldout")
    moved = _moves(suspect, heldout)
    above = suspect.values["exact-memorisation"] > memorised_line(heldout)
    farthest = np.abs(moved).max(axis=1)
    order = sorted(range(len(farthest)), key=lambda row: (-farthest[row], suspect.ids[row]))
    return tuple(
        DocumentChange(
            id=suspect.ids[row],
            group=suspect.groups[row],
            moves=tuple(moved[row].tolist()),
            memorised=tuple(above[row].tolist()),
        )
        for row in order[:limit]
    )


def slopes(measurements: SeriesMeasurements) -> ChangeDeciles:
    """Deciles of the movements of all suspect and of all held-out documents at each checkpoint."""
    suspect, heldout = read_columns(measurements, "suspect"), read_columns(measurements, "heldout")
    return ChangeDeciles(suspect=_deciles(_moves(suspect, heldout)), heldout=_deciles(_moves(heldout, heldout)))


def _moves(columns: Columns, heldout: Columns) -> Floats:
    """[documents, checkpoints] changes since the origin less the mean of the held-out documents' changes."""
    changes, drift = (part.values["loss"] - part.values["loss"][:, :1] for part in (columns, heldout))
    moved: Floats = changes - drift.mean(axis=0)
    return moved


def _deciles(moved: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.quantile(moved, DECILES, axis=0).T.tolist())
