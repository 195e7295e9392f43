"""A store with bytes turned, pages lost or its log damaged gives the right records or none, and says what to do."""

from __future__ import annotations

import hashlib
import itertools
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.core.errors import RunError
from auditor.scoring import store as store_module
from auditor.scoring.packing import StoredOutputs, pack_signals
from auditor.scoring.store import Store
from auditor.signals.outputs import Capture, ModelOutputs
from auditor.signals.tokens import TokenSignals

PAGE = 4096


def record(seed: int) -> TokenSignals:
    rng, count = np.random.default_rng(seed), 5 + 3 * seed
    whole = [rng.integers(0, 1000, count).astype(np.int32) for _ in range(5)]
    real = [rng.normal(size=count).astype(np.float32) for _ in range(4)]
    return TokenSignals(*whole[:4], *real, whole[4], n_bytes=count, zlib_bytes=count, truncated=False)  # type: ignore[call-arg, misc]


RECORDS = {f"{seed:064}": record(seed) for seed in range(60)}
TRACES = {
    key: StoredOutputs(Capture(layers=True), ModelOutputs(np.full((2, 8), seed, np.float32)))
    for seed, key in enumerate(RECORDS)
}
FACT = "a digest " * 20


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of sixty records with their traces, and a fact."""
    with Store.open(tmp_path_factory.mktemp("sound")) as store:
        store.put_many(RECORDS, TRACES)
        store.remember("fact", FACT)
    return store.path


def turn_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 3, 30, 300))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def overwrite_a_page(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(data) // PAGE) * PAGE
    data[at : at + PAGE] = rng.randbytes(PAGE)


def repeat_a_page(data: bytearray, rng: random.Random) -> None:
    to, of = (rng.randrange(len(data) // PAGE) * PAGE for _ in range(2))
    data[to : to + PAGE] = data[of : of + PAGE]


def cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def scribble_on_the_header(data: bytearray, rng: random.Random) -> None:
    at = rng.randrange(200)
    data[at : at + 4] = rng.randbytes(4)


DAMAGE: tuple[Callable[[bytearray, random.Random], None], ...] = (
    turn_bits,
    overwrite_a_page,
    repeat_a_page,
    cut,
    scribble_on_the_header,
)


def uses(folder: Path) -> bool:
    """Read and write a store; whether it could be used, or said that it cannot."""
    refused = None
    try:
        with Store.open(folder) as store:
            found, traces = store.get_many(list(RECORDS)), store.get_outputs(list(RECORDS))
            assert all(pack_signals(found[key]) == pack_signals(RECORDS[key]) for key in found)
            assert all(np.array_equal(traces[key].outputs.layers, TRACES[key].outputs.layers) for key in traces)  # type: ignore[arg-type]
            assert store.recall("fact") in (None, FACT)
            store.put_many({key: RECORDS[key] for key in RECORDS.keys() - found.keys()})
            assert store.scored == RECORDS.keys() - found.keys()
    except RunError as error:
        refused = error
    assert refused is None or ("scores-" in refused.message and "--cache-dir" in refused.hint)
    return refused is None


def damage(sound: Path, folder: Path, seeds: range) -> list[bool]:
    data, outcomes = sound.read_bytes(), []
    for seed, harm in itertools.product(seeds, DAMAGE):
        spoiled = bytearray(data)
        harm(spoiled, random.Random(f"{harm.__name__} {seed}"))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / sound.name).write_bytes(spoiled)
        outcomes.append(uses(folder))
    return outcomes


@pytest.mark.long
def test_damage_gives_right_records_or_none(sound: Path, tmp_path: Path) -> None:
    assert all(damage(sound, tmp_path / "bad", range(12)))


@pytest.mark.slow
def test_much_damage_gives_right_records_or_none(sound: Path, tmp_path: Path) -> None:
    outcomes = damage(sound, tmp_path / "bad", range(12, 800))
    # A file that is cut before its first record holds none.
    assert sum(outcomes) > 0.95 * len(outcomes)


def many(folder: Path) -> tuple[Path, dict[str, TokenSignals]]:
    """A store of many pages, under keys as the store has them."""
    records = {hashlib.sha256(str(seed).encode()).hexdigest(): record(seed % 40) for seed in range(600)}
    with Store.open(folder) as store:
        store.put_many(records)
        store.remember("fact", FACT)
    return store.path, records


def spoil(path: Path, count: int) -> None:
    """Blank some of the pages that hold records themselves, not what is too long for them."""
    data = bytearray(path.read_bytes())
    leaves = [at for at in range(PAGE, len(data), PAGE) if data[at] == 0x0A]
    for at in random.Random(0).sample(leaves[5:-5], count):
        data[at : at + PAGE] = bytes(PAGE)
    path.write_bytes(data)


def test_damaged_pages_cost_their_records_and_not_the_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path, records = many(tmp_path)
    spoil(path, 3)
    with Store.open(tmp_path) as store:
        intact = store.get_many(list(records))
        assert len(records) - 60 < len(intact) < len(records)
        assert all(pack_signals(intact[key]) == pack_signals(records[key]) for key in intact)
        assert store.recall("fact") == FACT
        store.put_many({key: records[key] for key in records.keys() - intact.keys()})
        assert store.get_many(list(records)).keys() == records.keys()
    assert [file.name for file in tmp_path.glob("*sqlite*")] == ["scores-1-rebuilt-2.sqlite"]
    assert f"{len(intact)} intact records are now in" in caplog.text
    with Store.open(tmp_path) as store:
        assert store.count() == len(records)


def test_a_writer_that_meets_a_damaged_page_goes_on_in_the_new_file(tmp_path: Path) -> None:
    path, records = many(tmp_path)
    spoil(path, 1)
    with Store.open(tmp_path) as writer, Store.open(tmp_path) as other:
        writer.put_many(records)
        assert other.get_many(list(records)).keys() == records.keys()
        assert writer.path == other.path
        assert other.path.name == "scores-1-rebuilt-2.sqlite"


@pytest.mark.parametrize("page", [0, 1])
def test_a_damaged_header_or_root_costs_no_record(page: int, tmp_path: Path) -> None:
    path, records = many(tmp_path)
    data = bytearray(path.read_bytes())
    data[page * PAGE : (page + 1) * PAGE] = random.Random(0).randbytes(PAGE)
    path.write_bytes(data)
    with Store.open(tmp_path) as store:
        # The root itself holds the few records that part its branches.
        assert len(store.get_many(list(records))) >= len(records) - 20 * page
        assert store.recall("fact") == FACT


def test_a_writer_that_meets_no_damage_goes_on_in_the_new_file(tmp_path: Path) -> None:
    path, records = many(tmp_path)
    with Store.open(tmp_path) as other:
        assert other.count() == len(records)
        spoil(path, 1)
        with Store.open(tmp_path) as store:
            store.get_many(list(records))
        other.put_many({"later": record(3)})
        assert other.path.name == "scores-1-rebuilt-2.sqlite"
    with Store.open(tmp_path) as store:
        assert store.get_many(["later"])


def test_a_file_that_was_replaced_while_it_was_opened_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, records = many(tmp_path)
    spoil(path, 1)
    connect = store_module._connect

    def late(opened: Path) -> sqlite3.Connection:
        monkeypatch.setattr(store_module, "_connect", connect)
        with Store.open(tmp_path) as store:
            store.get_many(list(records))
        return connect(opened)

    monkeypatch.setattr(store_module, "_connect", late)
    with Store.open(tmp_path) as store:
        assert store.path.name == "scores-1-rebuilt-2.sqlite"
        assert store.count() > len(records) - 20


def test_a_folder_that_is_taken_away_is_told_in_words(tmp_path: Path) -> None:
    with Store.open(tmp_path / "cache") as store:
        shutil.rmtree(tmp_path / "cache")
        with pytest.raises(RunError, match="cannot be used: No such file"):
            store.put_many({"a": record(1)})


def test_a_disk_without_room_for_the_new_file_leaves_the_damaged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, records = many(tmp_path)
    spoil(path, 1)
    spoiled = path.read_bytes()

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("auditor.scoring.store.rebuild", full)
    with Store.open(tmp_path) as store, pytest.raises(RunError, match="no space left"):
        store.get_many(list(records))
    assert path.read_bytes() == spoiled


@pytest.mark.parametrize("statement", ["record='text'", "record=7", "key=x'00ff'", "check_sum=1.5"])
def test_a_column_of_another_type_is_no_record(sound: Path, tmp_path: Path, statement: str) -> None:
    shutil.copy(sound, tmp_path)
    some, other = list(RECORDS)[:2]
    with sqlite3.connect(tmp_path / sound.name) as raw:
        raw.execute(f"UPDATE scores SET {statement} WHERE key=?", (some,))
    with Store.open(tmp_path) as store:
        assert store.get_many([some, other]).keys() == {other}


def test_a_damaged_key_hides_no_other_record(sound: Path, tmp_path: Path) -> None:
    data = sound.read_bytes()
    assert uses(sound.parent)
    spoiled = next(iter(RECORDS)).encode()
    (tmp_path / sound.name).write_bytes(data.replace(spoiled, b"\xff" + spoiled[1:]))
    with Store.open(tmp_path) as store:
        assert len(store.get_many(list(RECORDS))) >= len(RECORDS) - 1


def test_a_fact_that_was_changed_is_forgotten(sound: Path, tmp_path: Path) -> None:
    shutil.copy(sound, tmp_path)
    with sqlite3.connect(tmp_path / sound.name) as raw:
        raw.execute("UPDATE facts SET value = replace(value, 'digest', 'digits')")
    with Store.open(tmp_path) as store:
        assert store.recall("fact") is None
        store.remember("fact", FACT)
        assert store.recall("fact") == FACT


def left_by_a_kill(sound: Path, folder: Path) -> Path:
    """A store as a killed process leaves it: half of what it holds is in its log alone."""
    folder.mkdir()
    shutil.copy(sound, folder)
    with sqlite3.connect(folder / sound.name) as raw:
        raw.execute("DELETE FROM scores")
    some, others = list(RECORDS)[::2], list(RECORDS)[1::2]
    with Store.open(folder) as store:
        store.put_many({key: RECORDS[key] for key in some})
    with Store.open(folder) as store:
        for key in others:
            store.put_many({key: RECORDS[key]})
        for path in folder.glob(f"{sound.name}*"):
            shutil.copy(path, folder / f"{path.name}.left")
    for path in folder.glob(f"{sound.name}*"):
        if path.suffix != ".left":
            path.unlink()
    for path in folder.glob("*.left"):
        path.rename(path.with_suffix(""))
    return folder / f"{sound.name}-wal"


def test_what_is_in_the_log_alone_is_there_after_a_kill(sound: Path, tmp_path: Path) -> None:
    log = left_by_a_kill(sound, tmp_path / "killed")
    assert log.stat().st_size > PAGE
    with Store.open(log.parent) as store:
        assert len(store.get_many(list(RECORDS))) == len(RECORDS)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("harm", [turn_bits, overwrite_a_page, cut])
def test_damage_to_the_log(
    sound: Path, tmp_path: Path, harm: Callable[[bytearray, random.Random], Any], seed: int
) -> None:
    log = left_by_a_kill(sound, tmp_path / "killed")
    data = bytearray(log.read_bytes())
    harm(data, random.Random(seed))
    log.write_bytes(data)
    # What is before the damage is whole, what is behind it is as if it had not been written.
    assert uses(log.parent)
    with Store.open(log.parent) as store:
        assert store.get_many(list(RECORDS)).keys() == RECORDS.keys()


def test_an_audit_with_a_damaged_store_gives_the_same_figures_or_says_what_to_do(
    audit: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.run(cache=tmp_path / "cache", output=tmp_path / "first.json") == 3
    (path,) = (tmp_path / "cache").glob("scores-*.sqlite")
    whole = path.read_bytes()
    seen = set()
    for seed in range(4):
        data = bytearray(whole)
        (turn_bits, overwrite_a_page)[seed % 2](data, random.Random(seed))
        path.write_bytes(data)
        output = tmp_path / f"{seed}.json"
        capsys.readouterr()
        code = audit.run(cache=tmp_path / "cache", output=output)
        seen.add(code)
        if code == 4:
            assert not output.exists()
            assert capsys.readouterr().err.startswith("auditor: the score store")
            path.unlink()
            assert audit.run(cache=tmp_path / "cache", output=output) == 3
        assert audit.figures(output) == audit.truth
    assert 3 in seen
