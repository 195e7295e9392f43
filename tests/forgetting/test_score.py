"""Scoring a series: one pass a checkpoint, kept, and found again by whoever asks for the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from support.backend import CPU
from support.texts import TOWN

from auditor.core.progress import Silent
from auditor.core.seeds import stream
from auditor.corpora.document import Corpus, Document
from auditor.features.catalogue import select_features
from auditor.features.table import TARGET_LABEL
from auditor.forgetting.open import open_checkpoints
from auditor.forgetting.score import score_series
from auditor.forgetting.series import NamedCheckpoint, Series
from auditor.membership.scores import score_audit
from auditor.models.loading import Models
from auditor.results.forgetting.measurements import Role
from auditor.scoring.packing import pack_signals
from auditor.scoring.probing import PROBES_ALONE, PROBES_SHUFFLED
from auditor.scoring.store import Store
from auditor.signals.outputs import TOP


def corpus(name: str, count: int, seed: int, also: Sequence[str] = ()) -> Corpus:
    generator = np.random.default_rng(seed)
    texts = [" ".join(generator.choice(TOWN, int(size))) for size in generator.integers(12, 40, count)]
    documents = tuple(Document(f"{name}-{at}", text, f"{name}-{at}") for at, text in enumerate([*texts, *also]))
    return Corpus(name, documents, 0, 0, name)


@pytest.fixture
def corpora() -> dict[Role, Corpus]:
    suspect = corpus("suspect", 14, 1)
    return {
        "suspect": suspect,
        "heldout": corpus("heldout", 11, 2),
        "general": corpus("general", 5, 3, also=[suspect.documents[0].text]),
        "placebo": corpus("placebo", 9, 4),
    }


@pytest.fixture
def series(tmp_path: Path, make_tiny_model: Callable[..., Path], store: Store) -> tuple[NamedCheckpoint, ...]:
    folders = [make_tiny_model(tmp_path / f"m{seed}", seed=seed) for seed in range(3)]
    return open_checkpoints([(folder.name, str(folder)) for folder in folders], CPU, store)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


def score(
    series: Sequence[NamedCheckpoint], corpora: dict[Role, Corpus], store: Store, *, layers: bool = True
) -> Series:
    return score_series(
        series,
        corpora,
        seed=0,
        max_tokens=None,
        layers=layers,
        store=store,
        rng=stream(0, "probes"),
        progress=Silent(),
    )


def count(store: Store, table: str) -> int:
    return int(store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_series_of_three_is_three_passes_and_no_more(
    series: tuple[NamedCheckpoint, ...], corpora: dict[Role, Corpus], store: Store
) -> None:
    texts = {document.text for some in corpora.values() for document in some.documents}
    assert len(texts) == sum(len(some.documents) for some in corpora.values()) - 1
    found = score(series, corpora, store)
    expected = 3 * (len(texts) + PROBES_ALONE + PROBES_SHUFFLED)
    assert (len(store.scored), len(store.recalled)) == (expected, 0)
    assert count(store, "scores") == expected
    # Nothing reads the placebo's hidden states.
    assert count(store, "traces") == 3 * (len(texts) - len(corpora["placebo"].documents))
    with Store.open(store.path.parent) as reopened:
        again = score(series, corpora, reopened)
        assert (len(reopened.scored), len(reopened.recalled)) == (0, expected)
    assert count(store, "scores") == expected
    for key, reading in found.readings.items():
        for left, right in zip(reading.signals, again.readings[key].signals, strict=True):
            assert pack_signals(left) == pack_signals(right)
        for one, two in zip(reading.traces, again.readings[key].traces, strict=True):
            np.testing.assert_array_equal(one.layers, two.layers)
            np.testing.assert_array_equal(one.top_ids, two.top_ids)
    assert found.numerics == again.numerics


def test_readings_belong_to_their_documents(
    series: tuple[NamedCheckpoint, ...], corpora: dict[Role, Corpus], store: Store
) -> None:
    found = score(series, corpora, store)
    assert found.origin is series[0]
    assert list(found.readings) == [(named.name, role) for named in series for role in corpora]
    for (_, role), reading in found.readings.items():
        documents = corpora[role].documents
        assert [signals.n_bytes for signals in reading.signals] == [len(one.text.encode()) for one in documents]
        assert len(reading.traces) == (0 if role == "placebo" else len(documents))
        for signals, traces in zip(reading.signals, reading.traces, strict=role != "placebo"):
            assert traces.layers is not None
            assert traces.layers.shape == (3, 32)
            assert (traces.top_ids is not None) == (role == "general")
            if traces.top_ids is not None:
                assert traces.top_ids.shape == (len(signals), TOP)
    shared = [found.readings["m1", role] for role in ("suspect", "general")]  # type: ignore[index]
    np.testing.assert_array_equal(shared[0].traces[0].layers, shared[1].traces[-1].layers)
    assert not np.array_equal(
        found.readings["m0", "suspect"].signals[0].logprob, found.readings["m1", "suspect"].signals[0].logprob
    )
    for numerics in found.numerics.values():
        assert (numerics.probed, numerics.shuffled) == (PROBES_ALONE, PROBES_SHUFFLED)
        assert 0 <= numerics.batch_difference < 1e-3


def test_without_layers(series: tuple[NamedCheckpoint, ...], corpora: dict[Role, Corpus], store: Store) -> None:
    found = score(series, corpora, store, layers=False)
    assert found.readings["m0", "suspect"].traces == ()
    assert all(traces.layers is None for traces in found.readings["m0", "general"].traces)
    assert count(store, "traces") == 3 * len(corpora["general"].documents)
    pair: dict[Role, Corpus] = {"suspect": corpora["suspect"], "heldout": corpora["heldout"]}
    scored = set(store.scored)
    smaller = score(series, pair, store, layers=False)
    assert store.scored == scored
    assert set(smaller.readings) == {(named.name, role) for named in series for role in pair}


def test_an_audit_of_a_checkpoint_finds_its_scores(
    series: tuple[NamedCheckpoint, ...], corpora: dict[Role, Corpus], store: Store
) -> None:
    found = score(series, corpora, store)
    scored = set(store.scored)
    evidence = score_audit(
        corpora["suspect"],
        corpora["heldout"],
        Models(series[2].spec, ()),
        select_features("single-pass"),
        seed=0,
        max_tokens=None,
        store=store,
        rng=stream(0, "probes"),
        progress=Silent(),
    )
    assert store.scored == scored
    both = (*found.readings["m2", "suspect"].signals, *found.readings["m2", "heldout"].signals)
    assert [pack_signals(signals) for signals in evidence.plain(TARGET_LABEL)] == [
        pack_signals(signals) for signals in both
    ]
    assert evidence.numerics[TARGET_LABEL] == found.numerics["m2"]
