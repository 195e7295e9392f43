"""Scoring through the store: nothing twice, nothing lost, the same figures however a run was cut."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.backend import CPU, Passing
from support.backend import texts as made_texts
from support.children import score_slowly, start

from auditor.cli.commands.check import command
from auditor.core.errors import RunError, is_out_of_memory
from auditor.models.backend import Backend, Encoded, LoadOptions, ModelSpec, Variant, Window, WindowScores
from auditor.models.loading import open_model
from auditor.results.models import ModelIdentity
from auditor.scoring import plan
from auditor.scoring.packing import pack_signals
from auditor.scoring.plan import Item, Request, in_order, next_batch, passes, record_key
from auditor.scoring.score import Scored, score_requests
from auditor.scoring.store import Store
from auditor.signals.outputs import NOTHING, Capture
from auditor.signals.views import Prompt

texts = partial(made_texts, words=(2, 60))


class Hooked(Passing):
    """A backend that lets a test look on and interfere."""

    def __init__(self, inner: Backend, budget: int, limit: int | None, error: BaseException | None) -> None:
        super().__init__(inner, budget)
        self.limit, self.error = limit, error
        self.calls: list[int] = []
        self.recovered = 0
        self.closed = False

    def score(
        self, windows: Sequence[Window], *, variant: Variant = "batched", wanted: Capture = NOTHING
    ) -> list[WindowScores]:
        size = plan.cost(windows)
        if self.limit is not None and size > self.limit and self.error is not None:
            raise self.error
        self.calls.append(len(windows))
        return super().score(windows, variant=variant, wanted=wanted)

    def recover(self) -> None:
        self.recovered += 1

    def close(self) -> None:
        self.closed = True


class Loads:
    """Makes specs whose loads are counted and hooked."""

    def __init__(self, source: Path) -> None:
        self.plain = open_model(str(source), CPU)
        self.backends: list[Hooked] = []

    def spec(self, *, budget: int = 200, limit: int | None = None, error: BaseException | None = None) -> ModelSpec:
        def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
            self.backends.append(Hooked(self.plain.load(), budget, limit, error))
            return self.backends[-1]

        return dataclasses.replace(self.plain, loader=dataclasses.replace(self.plain.loader, load=load))


@pytest.fixture
def loads(tiny_model_dir: Path) -> Loads:
    return Loads(tiny_model_dir)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


def run(spec: ModelSpec, some: Sequence[str], store: Store, **options: object) -> Scored:
    return score_requests([Request(spec, Prompt(text)) for text in some], store=store, **options)  # type: ignore[arg-type]


def kept(store: Store) -> int:
    return int(store._connection.execute("SELECT count(*) FROM scores").fetchone()[0])


def figures(scored: Scored) -> list[bytes]:
    return [pack_signals(signals) for signals in scored.signals]


def test_records_answer_their_requests(loads: Loads, store: Store) -> None:
    some = ["the quick brown fox", "naïve café", "", "rivers " * 200]
    signals = run(loads.spec(), some, store).signals
    assert [record.n_bytes for record in signals] == [len(text.encode()) for text in some]
    assert [len(record) > 0 for record in signals] == [True, True, False, True]
    assert signals[0].positions.tolist() == list(range(1, len(signals[0]) + 1))
    # A long text starts anew in every window.
    assert signals[3].positions.max() == 127
    assert (np.diff(signals[3].positions) < 0).sum() == -(-len(signals[3]) // 127) - 1
    assert "".join("rivers " * 200)[signals[3].starts[-1] : signals[3].ends[-1]]
    assert not any(record.truncated for record in signals)


def test_a_limit_on_tokens(loads: Loads, store: Store) -> None:
    (record,) = run(loads.spec(), ["the quick brown fox jumps over the lazy dog"], store, max_tokens=4).signals
    assert (len(record), record.truncated) == (4, True)
    (whole,) = run(loads.spec(), ["the quick brown fox jumps over the lazy dog"], store).signals
    assert not whole.truncated
    np.testing.assert_allclose(record.logprob, whole.logprob[:4], atol=1e-4)


def test_nothing_is_scored_twice(loads: Loads, store: Store) -> None:
    some = texts(20)
    first = run(loads.spec(), some + some[:5], store)
    assert (first.computed, first.from_store) == (20, 0)
    assert sum(loads.backends[0].calls) == 20
    again = run(loads.spec(), some, store)
    assert len(loads.backends) == 1, "a second run on the same inputs loads no model"
    assert (again.computed, again.from_store, again.tokens) == (0, 20, 0)
    assert figures(again) == figures(first)[:20]
    more = run(loads.spec(), some + texts(2, seed=9), store)
    assert (more.computed, more.from_store) == (2, 20)
    assert sum(loads.backends[1].calls) == 2
    assert all(backend.closed for backend in loads.backends)


def test_damaged_records_are_scored_again(loads: Loads, store: Store) -> None:
    some = texts(6)
    first = run(loads.spec(), some, store)
    store._connection.execute("UPDATE scores SET record = zeroblob(60) WHERE key = (SELECT min(key) FROM scores)")
    again = run(loads.spec(), some, store)
    assert (again.computed, again.from_store) == (1, 5)
    for old, new in zip(first.signals, again.signals, strict=True):
        np.testing.assert_allclose(old.logprob, new.logprob, atol=1e-4)


def test_the_key_covers_what_influences_a_record(loads: Loads, tiny_model_dir: Path) -> None:
    spec, short = loads.plain, open_model(str(tiny_model_dir), LoadOptions(device="cpu", max_context=32))
    keys = {
        record_key(Request(spec, Prompt("a")), None),
        record_key(Request(spec, Prompt("b")), None),
        record_key(Request(spec, Prompt("a", prefix="b")), None),
        record_key(Request(spec, Prompt("b", prefix="a")), None),
        record_key(Request(spec, Prompt("a"), "alone"), None),
        record_key(Request(spec, Prompt("a")), 10),
        record_key(Request(short, Prompt("a")), None),
    }
    assert len(keys) == 7


def test_alone_is_one_at_a_time_in_float32(tiny_model_dir: Path, store: Store) -> None:
    spec = open_model(str(tiny_model_dir), LoadOptions("cpu", "bfloat16"))
    prompts = [Prompt(text) for text in texts(4)]
    both = score_requests([Request(spec, p, v) for v in ("batched", "alone") for p in prompts], store=store)  # type: ignore[arg-type]
    exact = score_requests([Request(open_model(str(tiny_model_dir), CPU), p) for p in prompts], store=store)
    for half, alone, truth in zip(both.signals[:4], both.signals[4:], exact.signals, strict=True):
        assert np.abs(half.logprob - truth.logprob).max() > 1e-3
        np.testing.assert_allclose(alone.logprob, truth.logprob, atol=1e-4)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory"), None])
def test_out_of_memory_halves_the_batch_and_goes_on(loads: Loads, store: Store, error: BaseException | None) -> None:
    import torch

    some = texts(30)
    spec = loads.spec(budget=1000, limit=300, error=error or torch.OutOfMemoryError("CUDA out of memory"))
    scored = run(spec, some, store)
    assert scored.computed == 30
    assert loads.backends[0].recovered == 2  # 1000 -> 500 -> 250
    with Store.open(store.path.parent / "other") as fresh:
        truth = run(loads.spec(), some, fresh)
    for left, right in zip(scored.signals, truth.signals, strict=True):
        np.testing.assert_allclose(left.logprob, right.logprob, atol=1e-4)


def test_no_memory_for_one_window(loads: Loads, store: Store) -> None:
    with pytest.raises(RunError, match="more memory than is available for one window") as caught:
        run(loads.spec(limit=5, error=MemoryError()), texts(3), store)
    assert "--context" in caught.value.hint
    assert "--context" in {name for option in command.params for name in option.opts}
    assert loads.backends[0].closed


def test_other_errors_are_not_taken_for_memory(loads: Loads, store: Store) -> None:
    with pytest.raises(RunError, match="could not be scored: RuntimeError: shape mismatch"):
        run(loads.spec(limit=5, error=RuntimeError("shape mismatch")), texts(3), store)
    assert not is_out_of_memory(ValueError("x"))


def test_several_workers_change_no_bit(loads: Loads, store: Store, tmp_path: Path) -> None:
    import torch

    some, before = texts(60), torch.get_num_threads()
    with Store.open(tmp_path / "one") as fresh:
        truth = run(loads.spec(), some, fresh)
    torch.set_num_threads(4)
    try:
        spec = loads.spec()
        load = spec.loader.load

        def many(identity: ModelIdentity, options: LoadOptions) -> Backend:
            backend = load(identity, options)
            backend.workers = backend.inner.workers  # type: ignore[attr-defined]
            assert backend.workers == 4
            return backend

        spec = dataclasses.replace(spec, loader=dataclasses.replace(spec.loader, load=many))
        assert figures(run(spec, some, store)) == figures(truth)
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("workers", [1, 3])
def test_memory_and_errors_with_workers(loads: Loads, store: Store, workers: int) -> None:
    spec = loads.spec(budget=1000, limit=300, error=MemoryError())
    load = spec.loader.load

    def many(identity: ModelIdentity, options: LoadOptions) -> Backend:
        backend = load(identity, options)
        backend.workers = workers
        return backend

    spec = dataclasses.replace(spec, loader=dataclasses.replace(spec.loader, load=many))
    assert run(spec, texts(40), store).computed == 40
    assert kept(store) == 40
    loads.backends.clear()


def test_progress_adds_up(loads: Loads, store: Store) -> None:
    told: list[tuple[str, int]] = []

    class Listener:
        def start(self, total_tokens: int, label: str) -> None:
            told.append((label, total_tokens))

        def advance(self, tokens: int) -> None:
            told.append(("advance", tokens))

        def stop(self) -> None:
            told.append(("stop", 0))

    scored = run(loads.spec(), texts(12), store, progress=Listener())
    assert told[0] == (loads.plain.identity.source, scored.tokens)
    assert sum(tokens for name, tokens in told if name == "advance") == scored.tokens
    assert told[-1] == ("stop", 0)


def item(key: str, *lengths: int) -> Item:
    none = np.zeros(0, dtype=np.int32)
    windows = tuple(Window(np.zeros(length, dtype=np.int32), 1, none, none, 0, 0) for length in lengths)
    return Item(key, "", Encoded(windows, truncated=False))


def test_what_is_left_is_cut_as_it_would_have_been() -> None:
    generator = np.random.default_rng(1)
    items = in_order([item(f"{i:03}", *generator.integers(1, 90, 1 + i % 3)) for i in range(80)])

    def batches(rest: list[Item]) -> list[list[str]]:
        found = []
        while rest:
            batch = next_batch(rest, 256)
            found.append([each.key for each in batch])
            rest = rest[len(batch) :]
        return found

    whole = batches(items)
    for done in range(len(whole)):
        left = {key for batch in whole[done:] for key in batch}
        assert batches(in_order([each for each in items if each.key in left])) == whole[done:]


def test_batches_and_passes_fit_the_budget() -> None:
    items = in_order([item(str(i), *([40] * (i % 4))) for i in range(20)])
    assert [each.key for each in items[:2]] == ["11", "15"]
    batch = next_batch(items, 250)
    windows = [window for each in batch for window in each.encoded.windows]
    assert plan.cost(windows) <= 250 < plan.cost([*windows, windows[0]])
    assert next_batch(items, 1) == items[:1]
    assert [len(some) for some in passes(windows, 100)] == [2, 2, 2]
    assert [len(some) for some in passes(windows, 1)] == [1] * 6


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_goes_on_to_the_same_figures(loads: Loads, tiny_model_dir: Path, tmp_path: Path) -> None:
    some = texts(40)
    with Store.open(tmp_path / "whole") as store:
        truth = run(loads.spec(budget=200), some, store)
    child = start(score_slowly, tiny_model_dir, tmp_path / "cut", some, 0.15, [NOTHING])
    with Store.open(tmp_path / "cut") as store:
        while kept(store) < 8 and child.is_alive():
            time.sleep(0.02)
        child.kill()
        child.join()
        done = kept(store)
        assert 8 <= done < 40
        rest = run(loads.spec(budget=200), some, store)
    assert (rest.from_store, rest.computed) == (done, 40 - done)
    assert sum(loads.backends[1].calls) >= 40 - done
    assert len(loads.backends[1].calls) < len(loads.backends[0].calls)
    assert figures(rest) == figures(truth)
