"""Series made by hand: losses and hits of documents are given, no model is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from auditor.corpora.document import Corpus, Document
from auditor.forgetting.reduce import reduce_series
from auditor.forgetting.series import CorpusScores, NamedCheckpoint, Series
from auditor.results.forgetting.measurements import Role, SeriesMeasurements
from auditor.results.rows import Numerics
from auditor.signals.outputs import ModelOutputs
from auditor.signals.tokens import TokenSignals


def _record(
    bits: float = 1.0,
    *,
    hits: Sequence[bool] | None = None,
    tokens: int = 4,
    n_bytes: int = 16,
    windows: Sequence[int] | None = None,
    first_id: int = 0,
) -> TokenSignals:
    count = tokens if hits is None else len(hits)
    rank = np.ones(count) if hits is None else 1 - np.asarray(hits, dtype=int)
    logprob = np.full(count, -bits * n_bytes * np.log(2) / max(count, 1), dtype=np.float32)
    zeros = np.zeros(count, dtype=np.float32)
    places = [np.arange(1, length + 1) for length in windows or [count]]
    return TokenSignals(
        token_ids=np.arange(first_id, first_id + count, dtype=np.int32),
        starts=np.arange(count, dtype=np.int32),
        ends=np.arange(1, count + 1, dtype=np.int32),
        positions=np.concatenate(places).astype(np.int32),
        logprob=logprob,
        mean=zeros,
        std=zeros,
        max_logprob=zeros,
        rank=rank.astype(np.int32),
        n_bytes=n_bytes if count else 0,
        zlib_bytes=n_bytes,
        truncated=False,
    )


def _corpus(role: str, count: int, groups: Sequence[str] | None) -> Corpus:
    names = [f"{role}-{number}" for number in range(count)]
    return Corpus(
        source=role,
        documents=tuple(Document(name, "text", group) for name, group in zip(names, groups or names, strict=True)),
        dropped_empty=0,
        dropped_duplicate=0,
        sha256="0" * 64,
    )


def _series(
    records: dict[Role, Sequence[Sequence[TokenSignals]]],
    *,
    groups: dict[Role, Sequence[str]] | None = None,
    traces: dict[Role, Sequence[Sequence[ModelOutputs]]] | None = None,
) -> Series:
    counts = {role: len(rows) for role, rows in records.items()}
    checkpoints = len(next(iter(records.values()))[0])
    names = ["origin", *(f"step{number}" for number in range(1, checkpoints))]
    spec: Any = SimpleNamespace(identity=SimpleNamespace(source="made by hand"))
    return Series(
        checkpoints=tuple(NamedCheckpoint(name, spec) for name in names),
        corpora={role: _corpus(role, count, (groups or {}).get(role)) for role, count in counts.items()},
        readings={
            (name, role): CorpusScores(
                tuple(row[at] for row in rows),
                tuple(row[at] for row in (traces or {}).get(role, ())),
            )
            for role, rows in records.items()
            for at, name in enumerate(names)
        },
        numerics=dict.fromkeys(names, Numerics(0, 0.0, 0.0, 0, 0)),
    )


@pytest.fixture(scope="session")
def record() -> Callable[..., TokenSignals]:
    """One text: `record(bits_per_byte, hits=[...], tokens=4, n_bytes=16, windows=[...])`."""
    return _record


@pytest.fixture(scope="session")
def scored() -> Callable[..., Series]:
    """A series of records: `scored({role: [documents][checkpoints] records}, groups={role: [...]})`."""
    return _series


@pytest.fixture(scope="session")
def series() -> Callable[..., SeriesMeasurements]:
    """What is kept of such a series; arguments as of `scored`."""
    return lambda *records, **options: reduce_series(_series(*records, **options))


@pytest.fixture(scope="session")
def series_of_losses() -> Callable[..., SeriesMeasurements]:
    """A series of losses: `series_of_losses({role: [documents, checkpoints] bits per byte}, groups={role: [...]})`."""

    def make(losses: dict[str, Any], **options: Any) -> SeriesMeasurements:
        records = {role: [[_record(float(bits)) for bits in row] for row in rows] for role, rows in losses.items()}
        return reduce_series(_series(records, **options))

    return make
