"""From a scored series to what is kept of it: the one place where records of tokens become figures of documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from auditor.core.errors import RunError
from auditor.features.catalogue import select_features
from auditor.features.loss import bits_per_byte, loss
from auditor.features.table import plain_table
from auditor.forgetting.measures.divergence import compare
from auditor.forgetting.measures.memorisation import exact_memorisation, extraction_strength, k_extractable
from auditor.forgetting.series import CorpusScores, Series
from auditor.inference.design import Floats
from auditor.results.forgetting.measurements import (
    COMPARED,
    CheckpointMeasurements,
    Measure,
    Role,
    SeriesMeasurements,
    SetMeasurements,
)
from auditor.signals.tokens import TokenSignals

_MEASURES: Mapping[Measure, Callable[[TokenSignals], float]] = {
    "loss": bits_per_byte.compute,
    "exact-memorisation": exact_memorisation,
    "extraction-strength": extraction_strength,
    "k-extractable": k_extractable,
}


def reduce_series(series: Series) -> SeriesMeasurements:
    """Keep what the figures of a series are made from.

    Each figure is of a document, so long documents weigh no more than short ones. All checkpoints cut the text into the
    same tokens, so a document that has no scored token (it is a single token without special tokens in front) has none
    anywhere and no measure.

    Args:
        series: The scored series.

    Raises:
        RunError: A checkpoint has no reading of a corpus, its records are not of these documents in this order, or no
            document of a corpus has a scored token.
    """
    sets = {role: _kept_set(series, role) for role in series.corpora}
    return SeriesMeasurements(
        checkpoints=tuple(
            CheckpointMeasurements(
                name=checkpoint.name,
                source=checkpoint.spec.identity.source,
                numerics=series.numerics[checkpoint.name],
                vs_origin=_beside_origin(series, checkpoint.name),
            )
            for checkpoint in series.checkpoints
        ),
        sets=sets,
    )


def per_token(series: Series, checkpoint: str) -> tuple[float | None, ...]:
    """Nats per token of the documents that are compared, under one checkpoint; None where nothing is scored."""
    readings = (series.readings[checkpoint, role] for role in COMPARED if role in series.corpora)
    column = [loss.compute(record) for reading in readings for record in reading.signals]
    return tuple(None if math.isnan(value) else float(value) for value in column)


def _kept_set(series: Series, role: Role) -> SetMeasurements:
    documents = series.corpora[role].documents
    readings = list(_readings(series, role))
    scored = [_is_scored(record) for record in readings[0].signals]
    if not any(scored):
        raise RunError(
            f"no {role} document has a scored token", hint="The texts may be empty of what the tokenizer reads."
        )
    single_pass = select_features("single-pass")
    wanted = _MEASURES if role in COMPARED else {"loss": _MEASURES["loss"]}
    return SetMeasurements(
        ids=tuple(document.id for document in documents),
        groups=tuple(document.group for document in documents),
        truncated=tuple(sum(record.truncated for record in reading.signals) for reading in readings),
        measures={measure: _measured(compute, readings, scored) for measure, compute in wanted.items()},
        features=tuple(plain_table(single_pass, reading.signals) for reading in readings) if role in COMPARED else (),
    )


def _is_scored(record: TokenSignals) -> bool:
    return len(record) > 0 and record.n_bytes > 0


def _measured(
    compute: Callable[[TokenSignals], float], readings: Sequence[CorpusScores], scored: Sequence[bool]
) -> Floats:
    missing = [float("nan")] * len(readings)
    rows = [[compute(reading.signals[at]) for reading in readings] if has else missing for at, has in enumerate(scored)]
    return np.array(rows, dtype=np.float64)


def _readings(series: Series, role: Role) -> Iterator[CorpusScores]:
    """What each checkpoint made of a corpus.

    Pairing is by document: records of other tokens would pair a document with another one.
    """
    expected = len(series.corpora[role].documents)
    for name in series.names:
        reading = series.readings.get((name, role))
        if reading is None or len(reading.signals) != expected:
            count = "none" if reading is None else str(len(reading.signals))
            raise RunError(
                f"checkpoint {name!r} has {count} of the {expected} {role} documents", hint="Score the series again."
            )
        first = series.readings[series.origin.name, role]
        for index, (ours, theirs) in enumerate(zip(first.signals, reading.signals, strict=True)):
            if not np.array_equal(ours.token_ids, theirs.token_ids):
                raise RunError(
                    f"{role} document {index + 1} has other tokens under {name!r} than under {series.origin.name!r}",
                    hint="All checkpoints of a series need the same tokenizer and the same limit on tokens.",
                )
        yield reading


def _beside_origin(series: Series, name: str) -> Floats:
    """Divergence, covered share and agreement of each general document; empty where the lists were not recorded."""
    none: Floats = np.empty((0, 0))
    if "general" not in series.corpora:
        return none
    first, second = (series.readings[checkpoint, "general"] for checkpoint in (series.origin.name, name))
    if not first.traces or not second.traces:
        return none
    rows: Floats = np.full((len(first.signals), 3), np.nan)
    for row, record in enumerate(first.signals):
        if not _is_scored(record):
            continue
        pair = compare(first.traces[row], second.traces[row])
        if pair is None:
            return none
        rows[row] = pair.divergence.mean(), pair.covered.mean(), pair.agree.mean()
    return rows
