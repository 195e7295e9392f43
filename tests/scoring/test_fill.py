"""Scoring for several audits: every model loaded once, every text scored once, and only those broken that must be."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from support.backend import CPU, Passing
from support.backend import texts as made_texts

from auditor.core.errors import RunError, UsageError
from auditor.models.backend import Backend, LoadOptions, ModelSpec, Variant, Window, WindowScores
from auditor.models.loading import open_model
from auditor.results.models import ModelIdentity
from auditor.scoring.packing import pack_signals
from auditor.scoring.plan import Request
from auditor.scoring.score import ScoringRequests, StoreFill, fill_store, score_requests
from auditor.scoring.store import Store
from auditor.signals.outputs import NOTHING, Capture
from auditor.signals.views import Prompt

texts = partial(made_texts, words=(4, 30))


class Picky(Passing):
    """A backend that refuses windows of some lengths, or all of them."""

    def __init__(self, inner: Backend, refuses: set[int] | None, error: Exception) -> None:
        super().__init__(inner, 300)
        self.refuses, self.error = refuses, error
        self.scored = 0

    def score(
        self, windows: Sequence[Window], *, variant: Variant = "batched", wanted: Capture = NOTHING
    ) -> list[WindowScores]:
        if self.refuses is None or any(len(window) in self.refuses for window in windows):
            raise self.error
        self.scored += len(windows)
        return super().score(windows, variant=variant, wanted=wanted)


class Loads:
    """Counts the loads of one model and lets its backend refuse."""

    def __init__(self, folder: Path, *, refuses: set[int] | None = frozenset(), error: Exception | None = None) -> None:  # type: ignore[assignment]
        self.count = 0
        self.backends: list[Picky] = []
        self.plain = open_model(str(folder), CPU)
        failure = error or RunError("the model gave NaN")

        def load(identity: ModelIdentity, options: LoadOptions) -> Any:
            self.count += 1
            self.backends.append(Picky(self.plain.load(), refuses, failure))
            return self.backends[-1]

        self.spec = dataclasses.replace(self.plain, loader=dataclasses.replace(self.plain.loader, load=load))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


def needs(spec: ModelSpec, some: Sequence[str], **options: Any) -> ScoringRequests:
    return ScoringRequests(tuple(Request(spec, Prompt(text)) for text in some), options.get("max_tokens"))


def fill(store: Store, **audits: ScoringRequests) -> StoreFill:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.scoring.score._CHUNK", 7)
        return fill_store(audits.items(), store=store)


def test_what_several_ask_for_is_scored_once_and_found_by_each(tiny_model_dir: Path, store: Store) -> None:
    loads, some = Loads(tiny_model_dir), texts(20)
    filled = fill(
        store, a=needs(loads.spec, some), b=needs(loads.spec, some[5:]), c=needs(loads.spec, texts(3, seed=1))
    )
    assert (filled.pairs, filled.computed, filled.loads, loads.count) == (23, 23, 1, 1)
    assert not filled.broken
    assert loads.backends[0].scored == 23
    found = score_requests(needs(loads.spec, some).requests, store=store)
    assert (found.computed, loads.count) == (0, 1)
    with Store.open(store.path.parent / "other") as fresh:
        alone = score_requests(needs(loads.plain, some).requests, store=fresh)
    for left, right in zip(found.signals, alone.signals, strict=True):
        np.testing.assert_allclose(left.logprob, right.logprob, atol=1e-4)
    again = fill(store, a=needs(loads.spec, some))
    assert (again.pairs, again.computed, again.loads) == (20, 0, 0)


def test_audits_that_read_unlike_many_tokens_share_a_load(tiny_model_dir: Path, store: Store) -> None:
    loads, some = Loads(tiny_model_dir), texts(6)
    filled = fill(store, a=needs(loads.spec, some, max_tokens=4), b=needs(loads.spec, some))
    assert (filled.pairs, filled.loads) == (12, 1)
    short = score_requests(needs(loads.spec, some, max_tokens=4).requests, store=store, max_tokens=4)
    assert {len(record) for record in short.signals} == {4}
    assert short.computed == 0


def test_traces_that_one_audit_wants_are_kept_in_the_one_pass(tiny_model_dir: Path, store: Store) -> None:
    loads, some = Loads(tiny_model_dir), texts(5)
    fill(store, early=needs(loads.spec, some[:2]))
    traced = ScoringRequests(
        tuple(Request(loads.spec, Prompt(text), wanted=Capture(layers=True)) for text in some), None
    )
    top = ScoringRequests(tuple(Request(loads.spec, Prompt(text), wanted=Capture(top=True)) for text in some[:3]), None)
    filled = fill(store, plain=needs(loads.spec, some), traced=traced, top=top)
    assert (filled.pairs, filled.computed, filled.loads) == (5, 5, 1)
    again = score_requests([*traced.requests, *top.requests], store=store)
    assert again.computed == 0
    assert all(one is not None and one.layers is not None for one in again.outputs[:5])
    assert all(one is not None and one.top_ids is not None for one in again.outputs[5:])


def test_a_model_that_cannot_be_loaded_breaks_those_who_need_it_and_is_tried_once(
    tiny_model_dir: Path, make_tiny_model: Any, tmp_path: Path, store: Store
) -> None:
    loads, some, tried = Loads(tiny_model_dir), texts(4), []

    def refuse(identity: ModelIdentity, options: LoadOptions) -> Backend:
        tried.append(identity.source)
        raise RunError("its file is cut", hint="Copy it again.")

    other = open_model(str(make_tiny_model(tmp_path / "other", seed=3)), CPU)
    bad = dataclasses.replace(other, loader=dataclasses.replace(other.loader, load=refuse))
    both = ScoringRequests((*needs(loads.spec, some).requests, *needs(bad, some).requests), None)
    filled = fill(store, good=needs(loads.spec, some), one=needs(bad, some), two=both)
    assert set(filled.broken) == {"one", "two"}
    assert "its file is cut" in str(filled.broken["one"])
    assert filled.broken["one"].hint == "Copy it again."
    assert len(tried) == 1
    assert score_requests(needs(loads.spec, some).requests, store=store).computed == 0


@pytest.mark.parametrize("error", [MemoryError(), ValueError("shape")])
def test_a_load_that_fails_unexpectedly_is_told_in_words(tiny_model_dir: Path, store: Store, error: Exception) -> None:
    plain = open_model(str(tiny_model_dir), CPU)

    def refuse(identity: ModelIdentity, options: LoadOptions) -> Backend:
        raise error

    bad = dataclasses.replace(plain, loader=dataclasses.replace(plain.loader, load=refuse))
    said = fill(store, a=needs(bad, texts(2))).broken["a"]
    assert isinstance(said, RunError)
    assert ("memory" if isinstance(error, MemoryError) else "ValueError: shape") in said.message
    assert said.__cause__ is None
    assert said.__traceback__ is None


def test_a_text_that_is_refused_breaks_only_those_who_asked_for_it(tiny_model_dir: Path, store: Store) -> None:
    some = texts(24)
    lengths = open_model(str(tiny_model_dir), CPU).load()
    windows = [len(lengths.encode(Prompt(text)).windows[0]) for text in some]
    culprit = next(text for text, length in zip(some, windows, strict=True) if windows.count(length) == 1)
    loads = Loads(tiny_model_dir, refuses={windows[some.index(culprit)]})
    innocent = [text for text in some if text != culprit]
    filled = fill(store, bad=needs(loads.spec, [culprit, *texts(4, seed=5)]), good=needs(loads.spec, innocent))
    assert list(filled.broken) == ["bad"]
    assert "NaN" in str(filled.broken["bad"])
    assert loads.count == 1
    assert score_requests(needs(loads.spec, innocent).requests, store=store).computed == 0


@pytest.mark.parametrize("error", [RunError("NaN"), MemoryError(), ValueError("shape")])
def test_a_model_that_refuses_everything_breaks_all_in_one_load(
    tiny_model_dir: Path, store: Store, error: Exception
) -> None:
    loads = Loads(tiny_model_dir, refuses=None, error=error)
    audits = {f"a{seed}": needs(loads.spec, texts(10, seed=seed)) for seed in range(4)}
    filled = fill_store(audits.items(), store=store)
    assert set(filled.broken) == set(audits)
    assert (loads.count, filled.computed) == (1, 0)


def test_what_is_wrong_before_any_load_breaks_the_audit_alone(
    tiny_model_dir: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(spec: ModelSpec, memo: object) -> ModelSpec:
        raise UsageError("no float32")

    monkeypatch.setattr("auditor.scoring.score.in_float32", refuse)
    half = open_model(str(tiny_model_dir), LoadOptions("cpu", "bfloat16"))
    alone = ScoringRequests((Request(half, Prompt("the quick"), "alone"),), None)
    plain = open_model(str(tiny_model_dir), CPU)
    filled = fill(store, half=alone, whole=needs(plain, texts(3)))
    assert list(filled.broken) == ["half"]
    assert score_requests(needs(plain, texts(3)).requests, store=store).computed == 0


def test_a_defect_in_what_one_audit_asks_for_breaks_that_audit_alone(tiny_model_dir: Path, store: Store) -> None:
    class Broken(Sequence[Request]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, place: Any) -> Any:
            raise ValueError("a text without end")

    plain = open_model(str(tiny_model_dir), CPU)
    filled = fill(store, odd=ScoringRequests(Broken(), None), whole=needs(plain, texts(3)))
    assert list(filled.broken) == ["odd"]
    assert "a text without end" in str(filled.broken["odd"])
    assert filled.computed == 3


def test_a_store_that_cannot_be_written_breaks_the_run(
    tiny_model_dir: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RunError("no space left")

    monkeypatch.setattr(store, "put_many", full)
    with pytest.raises(RunError, match="no space left"):
        fill(store, a=needs(Loads(tiny_model_dir).spec, texts(3)))


def test_nothing_scored_is_held(tiny_model_dir: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The records handed to the store are let go of as soon as they are written."""
    import gc
    import weakref

    seen: list[weakref.ref[object]] = []
    put = Store.put_many

    def watch(self: Store, records: dict[str, Any], traces: Any = MappingProxyType({})) -> None:
        gc.collect()
        assert sum(one() is not None for one in seen) == 0
        put(self, records, traces)
        seen.extend(weakref.ref(record.logprob) for record in records.values())

    monkeypatch.setattr(Store, "put_many", watch)
    filled = fill(store, a=needs(Loads(tiny_model_dir).spec, texts(60)))
    assert filled.computed == len(seen) == 60


def test_damaged_records_are_scored_again(tiny_model_dir: Path, store: Store) -> None:
    loads, some = Loads(tiny_model_dir), texts(8)
    fill(store, a=needs(loads.spec, some))
    store._connection.execute("UPDATE scores SET record = zeroblob(60) WHERE key = (SELECT min(key) FROM scores)")
    again = fill(store, a=needs(loads.spec, some))
    assert (again.pairs, again.computed) == (8, 1)
    records = score_requests(needs(loads.spec, some).requests, store=store)
    assert records.computed == 0
    assert all(pack_signals(record) for record in records.signals)


class Text(str):
    """A text that can be looked for in memory."""


@pytest.mark.parametrize("told", [True, False])
def test_the_texts_of_one_load_are_held_at_a_time(
    tiny_model_dir: Path, make_tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    """Forty texts of each of four audits of two models: no more are held than those of the two that share a load."""
    models = [open_model(str(path), CPU) for path in (tiny_model_dir, make_tiny_model(tmp_path / "other", seed=6))]
    held, most = list[weakref.ref[Text]](), list[int]()

    class Requests:
        def __init__(self, number: int) -> None:
            self.number = number

        def __iter__(self) -> Iterator[Request]:
            for text in map(Text, texts(40, self.number)):
                held.append(weakref.ref(text))
                yield Request(models[self.number % 2], Prompt(text))

    def load(self: ModelSpec) -> Backend:
        gc.collect()
        most.append(sum(reference() is not None for reference in held))
        raise RunError("not today")

    monkeypatch.setattr(ModelSpec, "load", load)
    audits = [
        (str(number), ScoringRequests(Requests(number), None, models[number % 2 :: 2] if told else None))
        for number in range(4)
    ]
    with Store.open(tmp_path / "cache") as store:
        filled = fill_store(audits, store=store)
    assert len(filled.broken) == 4
    assert filled.pairs == 160
    assert len(most) == 2
    assert max(most) <= 81  # the last one is still in the hand of the loop
