"""Columns: one number a document and checkpoint, the documents of one role lined up over the series."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from auditor.corpora.document import Document
from auditor.errors import RunError
from auditor.features.loss import bits_per_byte
from auditor.forgetting.measures.verbatim import exact_memorisation, extraction_strength, k_extractable
from auditor.forgetting.series import Reading, Role, Series
from auditor.inference.design import Floats
from auditor.signals.tokens import TokenSignals

Measure = Literal["loss", "exact-memorisation", "extraction-strength", "k-extractable"]

MEASURES: Mapping[Measure, Callable[[TokenSignals], float]] = {
    "loss": bits_per_byte.compute,
    "exact-memorisation": exact_memorisation,
    "extraction-strength": extraction_strength,
    "k-extractable": k_extractable,
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The measures of the documents of one role.

    Attributes:
        documents: Those with a scored token, in the order of the corpus.
        kept: [documents] place of each in the corpus.
        values: For each measure [documents, checkpoints], the origin first. The loss is in bits per byte and never
            missing; NaN elsewhere where a document is too short.
    """

    documents: tuple[Document, ...]
    kept: tuple[int, ...]
    values: Mapping[Measure, Floats]

    @property
    def groups(self) -> tuple[str, ...]:
        """Group of each document."""
        return tuple(document.group for document in self.documents)


def read_columns(series: Series, role: Role) -> Columns:
    """Measure every document of a role under every checkpoint.

    Each figure is of a document, so long documents weigh no more than short ones. All checkpoints cut the text into the
    same tokens, so a document that has no scored token (it is a single token without special tokens in front) has none
    anywhere and is left out.

    Args:
        series: The scored series.
        role: Which corpus.

    Raises:
        RunError: A checkpoint has no reading of the role, or its records are not of these documents in this order.
    """
    documents = series.corpora[role].documents
    readings = [_reading(series, name.name, role) for name in series.checkpoints]
    for name, reading in zip(series.checkpoints, readings, strict=True):
        _require_same_tokens(series.origin.name, readings[0], name.name, reading, role)
    kept = tuple(index for index, record in enumerate(readings[0].signals) if len(record) and record.n_bytes > 0)
    if not kept:
        raise RunError(
            f"no {role} document has a scored token", hint="The texts may be empty of what the tokenizer reads."
        )
    values = {
        measure: np.array([[compute(reading.signals[index]) for reading in readings] for index in kept])
        for measure, compute in MEASURES.items()
    }
    return Columns(tuple(documents[index] for index in kept), kept, values)


def _reading(series: Series, checkpoint: str, role: Role) -> Reading:
    reading = series.readings.get((checkpoint, role))
    if reading is None or len(reading.signals) != len(series.corpora[role].documents):
        found = "none" if reading is None else str(len(reading.signals))
        raise RunError(
            f"checkpoint {checkpoint!r} has {found} of the {len(series.corpora[role].documents)} {role} documents",
            hint="Score the series again.",
        )
    return reading


def _require_same_tokens(origin: str, first: Reading, name: str, reading: Reading, role: Role) -> None:
    """Pairing is by document: records of other tokens would pair a document with another one."""
    for index, (ours, theirs) in enumerate(zip(first.signals, reading.signals, strict=True)):
        if not np.array_equal(ours.token_ids, theirs.token_ids):
            raise RunError(
                f"{role} document {index + 1} has other tokens under {name!r} than under {origin!r}",
                hint="All checkpoints of a series need the same tokenizer and the same limit on tokens.",
            )
