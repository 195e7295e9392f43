"""Traces beside the records: from the same pass, in the same transaction, and never scored twice."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.children import score_slowly, start
from support.texts import TOWN

from auditor.core.errors import RunError
from auditor.models.backend import Backend, LoadOptions, ModelSpec
from auditor.models.loading import open_model
from auditor.models.runtime.causal import CausalBackend
from auditor.results.models import ModelIdentity
from auditor.scoring.packing import StoredOutputs, pack_outputs, pack_signals, unpack_outputs
from auditor.scoring.plan import Request
from auditor.scoring.score import Scored, score_requests
from auditor.scoring.store import Store
from auditor.signals.outputs import NOTHING, TOP, Capture, ModelOutputs, merge_windows
from auditor.signals.views import Prompt

LAYERS, TOPS, ALL = Capture(layers=True), Capture(top=True), Capture(layers=True, top=True)


def texts(count: int, seed: int = 0) -> list[str]:
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(TOWN, int(size))) for size in generator.integers(2, 60, count)]


class Loads:
    """A spec whose loads are counted, of a backend with small batches."""

    def __init__(self, source: Path, *, workers: int = 1, blind: bool = False) -> None:
        self.plain = open_model(str(source), LoadOptions(device="cpu"))
        self.made: list[CausalBackend] = []

        def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
            backend = self.plain.load()
            assert isinstance(backend, CausalBackend)
            backend.token_budget, backend.workers = 200, workers
            if blind:
                backend._paths.layers = None
            self.made.append(backend)
            return backend

        self.spec: ModelSpec = dataclasses.replace(self.plain, loader=dataclasses.replace(self.plain.loader, load=load))


@pytest.fixture
def loads(tiny_model_dir: Path) -> Loads:
    return Loads(tiny_model_dir)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


def run(loads: Loads, some: Sequence[str], store: Store, wanted: Capture = NOTHING, **options: Any) -> Scored:
    return score_requests([Request(loads.spec, Prompt(text), wanted=wanted) for text in some], store=store, **options)


def count(store: Store, table: str) -> int:
    return int(store._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def figures(scored: Scored) -> list[bytes]:
    return [pack_signals(signals) for signals in scored.signals]


def shown(traces: ModelOutputs | None) -> ModelOutputs:
    assert traces is not None
    return traces


def same(left: ModelOutputs | None, right: ModelOutputs | None) -> bool:
    return pack_outputs(StoredOutputs(ALL, shown(left))) == pack_outputs(StoredOutputs(ALL, shown(right)))


def test_traces_answer_their_requests(loads: Loads, store: Store) -> None:
    wants = [NOTHING, LAYERS, TOPS, ALL]
    some = ["the quick brown fox", "jumps over", "the lazy dog", "in town"]
    requests = [Request(loads.spec, Prompt(text), wanted=wanted) for text, wanted in zip(some, wants, strict=True)]
    scored = score_requests(requests, store=store)
    assert scored.outputs[0] is None
    for record, traces, wanted in zip(scored.signals[1:], scored.outputs[1:], wants[1:], strict=True):
        traces = shown(traces)
        assert (traces.layers is not None) == wanted.layers
        assert (traces.top_ids is not None) == wanted.top
        if traces.layers is not None:
            assert traces.layers.shape == (3, 32)
        if traces.top_ids is not None and traces.top_logprobs is not None:
            assert traces.top_ids.shape == traces.top_logprobs.shape == (len(record), TOP)
            # The token that stands there is the first of them exactly where nothing was more probable.
            assert (traces.top_ids[:, 0] == record.token_ids).tolist() == (record.rank == 0).tolist()
    again = score_requests(requests, store=store)
    assert (again.computed, again.from_store, len(loads.made)) == (0, 4, 1)
    assert all(same(left, right) for left, right in zip(scored.outputs[1:], again.outputs[1:], strict=True))
    assert again.outputs[0] is None


def test_wants_of_one_text_are_one_pass(loads: Loads, store: Store) -> None:
    some = texts(10)
    requests = [Request(loads.spec, Prompt(text), wanted=wanted) for wanted in (NOTHING, TOPS, LAYERS) for text in some]
    scored = score_requests(requests, store=store)
    assert (scored.computed, scored.from_store) == (10, 0)
    assert (count(store, "scores"), count(store, "traces")) == (10, 10)
    assert scored.outputs[:10] == (None,) * 10
    for tops, layers in zip(scored.outputs[10:20], scored.outputs[20:], strict=True):
        assert shown(tops).layers is None
        assert shown(layers).top_ids is None


def test_signals_that_are_kept_stay_when_traces_are_wanted(loads: Loads, store: Store) -> None:
    some = texts(12)
    plain = run(loads, some, store)
    # One text less, so that every batch is another one and figures would differ in their last bits.
    more = run(loads, some[1:], store, LAYERS)
    assert (more.computed, more.from_store) == (11, 0)
    assert figures(more) == figures(plain)[1:]
    assert figures(run(loads, some, store)) == figures(plain)
    assert (count(store, "scores"), count(store, "traces")) == (12, 11)
    tops = run(loads, some[1:], store, ALL)
    assert (tops.computed, tops.from_store) == (11, 0)
    for first, both in zip(more.outputs, tops.outputs, strict=True):
        np.testing.assert_array_equal(shown(first).layers, shown(both).layers)
        assert shown(both).top_ids is not None
    loaded = len(loads.made)
    for wanted in (TOPS, LAYERS, NOTHING, ALL):
        assert run(loads, some[1:], store, wanted).from_store == 11
    assert len(loads.made) == loaded


def test_long_texts_count_every_token_alike(tiny_model_dir: Path, store: Store) -> None:
    loads = Loads(tiny_model_dir)
    text = "rivers, roads and railways " * 40
    (traces,) = run(loads, [text], store, ALL).outputs
    backend = loads.plain.load()
    windows = backend.encode(Prompt(text)).windows
    assert len({window.scored for window in windows}) == 2
    parts = [backend.score([window], variant="alone", wanted=ALL)[0].outputs for window in windows]
    tokens = [window.scored for window in windows]
    truth = sum(n * np.asarray(part.layers, dtype=np.float64) for n, part in zip(tokens, parts, strict=True))
    np.testing.assert_allclose(shown(traces).layers, truth / sum(tokens), atol=1e-4)
    every = np.concatenate([np.asarray(part.top_logprobs) for part in parts])
    np.testing.assert_allclose(shown(traces).top_logprobs, every, atol=1e-4)


def test_joined_by_hand() -> None:
    one, two = (ModelOutputs(np.full((2, 3), value, dtype=np.float32)) for value in (1.0, 5.0))
    np.testing.assert_array_equal(merge_windows([one, two], [30, 10], LAYERS).layers, np.full((2, 3), 2.0))
    assert merge_windows([one, ModelOutputs()], [30, 10], LAYERS).layers is None
    nothing = merge_windows([], [], ALL)
    assert nothing.layers is None
    assert nothing.top_ids is not None
    assert nothing.top_ids.shape == (0, TOP)


def test_a_text_without_tokens(loads: Loads, store: Store) -> None:
    for _ in range(2):
        (traces,) = run(loads, [""], store, ALL).outputs
        assert shown(traces).layers is None
        assert np.asarray(shown(traces).top_ids).shape == (0, TOP)
    assert len(loads.made) == 1


def test_a_model_that_shows_no_layers_is_not_asked_again(tiny_model_dir: Path, store: Store) -> None:
    loads = Loads(tiny_model_dir, blind=True)
    first = run(loads, texts(3), store, ALL)
    assert [shown(traces).layers for traces in first.outputs] == [None] * 3
    assert run(loads, texts(3), store, ALL).from_store == 3
    assert len(loads.made) == 1


def test_several_workers_change_no_bit(tiny_model_dir: Path, store: Store, tmp_path: Path) -> None:
    some, before = texts(50), torch.get_num_threads()
    with Store.open(tmp_path / "one") as fresh:
        truth = run(Loads(tiny_model_dir), some, fresh, ALL)
    torch.set_num_threads(4)
    try:
        found = run(Loads(tiny_model_dir, workers=4), some, store, ALL)
    finally:
        torch.set_num_threads(before)
    assert figures(found) == figures(truth)
    assert all(same(left, right) for left, right in zip(found.outputs, truth.outputs, strict=True))


def test_damaged_traces_are_made_again_and_the_record_stays(loads: Loads, store: Store) -> None:
    some = texts(6)
    first = run(loads, some, store, ALL)
    store._connection.execute("UPDATE traces SET record = zeroblob(90) WHERE key = (SELECT min(key) FROM traces)")
    again = run(loads, some, store, ALL)
    assert (again.computed, again.from_store) == (1, 5)
    assert figures(again) == figures(first)
    assert count(store, "traces") == 6
    assert run(loads, some, store, ALL).from_store == 6
    for left, right in zip(first.outputs, again.outputs, strict=True):
        np.testing.assert_allclose(shown(left).layers, shown(right).layers, atol=1e-4)


@pytest.mark.parametrize("wanted", [NOTHING, LAYERS, TOPS, ALL])
def test_bytes_and_back(wanted: Capture) -> None:
    generator = np.random.default_rng(0)
    traces = ModelOutputs(
        generator.normal(size=(4, 7)).astype(np.float32) if wanted.layers else None,
        generator.integers(0, 9999, (5, 3)).astype(np.int32) if wanted.top else None,
        generator.normal(size=(5, 3)).astype(np.float32) if wanted.top else None,
    )
    back = unpack_outputs(pack_outputs(StoredOutputs(wanted, traces)))
    assert back.wanted == wanted
    for name in ("layers", "top_ids", "top_logprobs"):
        np.testing.assert_array_equal(getattr(back.outputs, name), getattr(traces, name))


WHOLE = pack_outputs(StoredOutputs(LAYERS, ModelOutputs(np.ones((2, 2), dtype=np.float32))))


@pytest.mark.parametrize("damage", [b"", b"TRC1", WHOLE[:-3], b"XXXX" + WHOLE[4:], WHOLE[:6] + b"\x09" + WHOLE[7:]])
def test_no_traces_in_damaged_bytes(damage: bytes) -> None:
    with pytest.raises(ValueError, match="not a record of model outputs"):
        unpack_outputs(damage)


def test_a_failed_write_leaves_neither(loads: Loads, store: Store) -> None:
    (record,) = run(loads, ["the quick brown fox"], store).signals
    store._connection.execute("PRAGMA max_page_count = 40")
    large = StoredOutputs(LAYERS, ModelOutputs(np.random.default_rng(0).normal(size=(100, 900)).astype(np.float32)))
    with pytest.raises(RunError, match="no space left"):
        store.put_many({"a": record}, {"a": large})
    assert (count(store, "scores"), count(store, "traces")) == (1, 0)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_goes_on_to_the_same_traces(tiny_model_dir: Path, tmp_path: Path) -> None:
    some = texts(40)

    def whole(loads: Loads, store: Store) -> Scored:
        wanted = [ALL, LAYERS]
        requests = [Request(loads.spec, Prompt(text), wanted=wanted[at % 2]) for at, text in enumerate(some)]
        return score_requests(requests, store=store)

    with Store.open(tmp_path / "whole") as store:
        truth = whole(Loads(tiny_model_dir), store)
    child = start(score_slowly, tiny_model_dir, tmp_path / "cut", some, 0.1, [ALL, LAYERS])
    with Store.open(tmp_path / "cut") as store:
        while count(store, "scores") < 8 and child.is_alive():
            time.sleep(0.02)
        child.kill()
        child.join()
        done = count(store, "scores")
        assert 8 <= done < 40
        assert count(store, "traces") == done
        rest = whole(Loads(tiny_model_dir), store)
        assert (rest.from_store, rest.computed) == (done, 40 - done)
    assert figures(rest) == figures(truth)
    assert all(same(left, right) for left, right in zip(rest.outputs, truth.outputs, strict=True))
