"""Changes of the loss of each document since the origin, beyond the drift of the model."""

from __future__ import annotations

import numpy as np

from auditor.forgetting.measures.columns import Columns, read_columns
from auditor.forgetting.measures.memorisation import memorised_threshold
from auditor.inference.design import Floats
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.series import ChangeDeciles, DocumentChange

DECILES = tuple(number / 10 for number in range(1, 10))


def largest_changes(measurements: SeriesMeasurements, *, limit: int = 20) -> tuple[DocumentChange, ...]:
    """The suspect documents with the largest change at any checkpoint, the largest first.

    The change is that of bits per byte since the origin less the mean change of the held-out documents. The largest of
    many is large by selection, so the list is descriptive and no evidence.

    Args:
        measurements: The series.
        limit: Most documents listed.
    """
    suspect, heldout = read_columns(measurements, "suspect"), read_columns(measurements, "heldout")
    changes = _changes(suspect, heldout)
    memorised = suspect.values["exact-memorisation"] > memorised_threshold(heldout)
    largest = np.abs(changes).max(axis=1)
    order = sorted(range(len(largest)), key=lambda row: (-largest[row], suspect.ids[row]))
    return tuple(
        DocumentChange(
            id=suspect.ids[row],
            group=suspect.groups[row],
            moves=tuple(changes[row].tolist()),
            memorised=tuple(memorised[row].tolist()),
        )
        for row in order[:limit]
    )


def change_deciles(measurements: SeriesMeasurements) -> ChangeDeciles:
    """Deciles of the changes of all suspect and of all held-out documents at each checkpoint."""
    suspect, heldout = read_columns(measurements, "suspect"), read_columns(measurements, "heldout")
    return ChangeDeciles(suspect=_deciles(_changes(suspect, heldout)), heldout=_deciles(_changes(heldout, heldout)))


def _changes(columns: Columns, heldout: Columns) -> Floats:
    """Changes [documents, checkpoints] since the origin less the mean change of the held-out documents."""
    since_origin, drift = (part.values["loss"] - part.values["loss"][:, :1] for part in (columns, heldout))
    changes: Floats = since_origin - drift.mean(axis=0)
    return changes


def _deciles(changes: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.quantile(changes, DECILES, axis=0).T.tolist())
