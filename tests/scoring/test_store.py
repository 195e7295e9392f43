"""The score store: whole records or none, also under kills, damage, several writers and full disks."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np
import pytest

from auditor.cli.console import console_options, noting_warnings
from auditor.core.cache_folder import default_directory
from auditor.core.errors import RunError, UsageError
from auditor.scoring.packing import pack_signals, unpack_signals
from auditor.scoring.store import Store
from auditor.signals.tokens import TokenSignals


def record(n: int = 5, seed: int = 0) -> TokenSignals:
    generator = np.random.default_rng(seed)
    ints = [generator.integers(0, 1000, n).astype(np.int32) for _ in range(5)]
    floats = [generator.normal(size=n).astype(np.float32) for _ in range(4)]
    return TokenSignals(*ints[:4], *floats, ints[4], n_bytes=7 * n, zlib_bytes=3 * n, truncated=bool(n % 2))  # type: ignore[call-arg, misc]


def kept(store: Store) -> int:
    return int(store._connection.execute("SELECT count(*) FROM scores").fetchone()[0])


def same(left: TokenSignals, right: TokenSignals) -> bool:
    return pack_signals(left) == pack_signals(right)


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_bytes_and_back(n: int) -> None:
    back = unpack_signals(pack_signals(record(n)))
    assert len(back) == n
    assert same(back, record(n))
    assert back.logprob.dtype == np.float32
    assert back.rank.dtype == np.int32


@pytest.mark.parametrize(
    "damage", [b"", b"x", b"TSG1", pack_signals(record())[:-3], b"XXXX" + pack_signals(record())[4:]]
)
def test_no_record_in_damaged_bytes(damage: bytes) -> None:
    with pytest.raises(ValueError, match="not a record"):
        unpack_signals(damage)


@pytest.mark.long
def test_keeps_records_between_openings(tmp_path: Path) -> None:
    records = {f"k{i}": record(i, i) for i in range(1200)}
    with Store.open(tmp_path / "new" / "folder") as store:
        store.put_many(records)
        store.remember("fact", "value")
    with Store.open(tmp_path / "new" / "folder") as store:
        found = store.get_many([*records, "absent"])
        assert found.keys() == records.keys()
        assert all(same(found[key], records[key]) for key in records)
        assert store.recall("fact") == "value"
        assert store.recall("other") is None
        assert kept(store) == 1200


def test_damaged_records_are_missing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put_many({"a": record(9, 1), "b": record(9, 2), "c": record(9, 3)})
        path = store.path
    with sqlite3.connect(path) as raw:
        blob = bytearray(raw.execute("SELECT record FROM scores WHERE key='a'").fetchone()[0])
        blob[-6] ^= 1
        raw.execute("UPDATE scores SET record=? WHERE key='a'", (bytes(blob),))
        raw.execute("UPDATE scores SET key='moved' WHERE key='b'")
    with Store.open(tmp_path) as store:
        assert store.get_many(["a", "b", "c", "moved"]).keys() == {"c"}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        path = store.path
    path.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(RunError, match=path.name) as caught:
        Store.open(tmp_path)
    assert "Delete" in caught.value.hint


def test_damage_inside_the_file_never_gives_figures(tmp_path: Path) -> None:
    records = {f"k{i}": record(400, i) for i in range(60)}
    with Store.open(tmp_path) as store:
        store.put_many(records)
        path = store.path
    data = bytearray(path.read_bytes())
    data[8192 : len(data) // 2] = bytes(len(data) // 2 - 8192)
    path.write_bytes(bytes(data))
    found: dict[str, TokenSignals] = {}
    with contextlib.suppress(RunError), Store.open(tmp_path) as store:
        found = store.get_many(list(records))
    assert len(found) < len(records)
    assert all(same(found[key], records[key]) for key in found)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store._connection.execute("PRAGMA max_page_count = 40")
        with pytest.raises(RunError, match="no space left"):
            store.put_many({f"k{i}": record(2000, i) for i in range(30)})
        assert kept(store) == 0
        store.put_many({"small": record(3)})
        assert kept(store) == 1


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from auditor.scoring.store import Store; from auditor.signals.tokens import TokenSignals\n"
        "i, f = np.zeros(50, np.int32), np.zeros(50, np.float32)\n"
        "store = Store.open(Path(sys.argv[1]))\n"
        "for k in range(60):\n"
        "    store.put_many({f'{sys.argv[2]}-{k}': TokenSignals(i, i, i, i, f, f, f, f, i, 1, 1, False)})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], env=environment, stderr=subprocess.PIPE)
        for name in "ab"
    ]
    assert [process.communicate()[1] for process in running] == [b"", b""]
    with Store.open(tmp_path) as store:
        assert kept(store) == 120


def test_a_writer_that_never_lets_go_is_reported(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, Store.open(tmp_path) as other:
        other._connection.execute("BEGIN IMMEDIATE")
        store._connection.execute("PRAGMA busy_timeout = 50")
        with pytest.raises(RunError, match="another process"):
            store.put_many({"a": record()})
        other._connection.execute("ROLLBACK")
        store.put_many({"a": record()})


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot create") as caught:
        Store.open(tmp_path / "file" / "below")
    assert "--cache-dir" in caught.value.hint


def test_a_directory_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions do not bind a superuser, so the answer of the system is given instead.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UsageError, match="cannot write"):
        Store.open(tmp_path)


def test_a_file_system_without_locks_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", none)
    with pytest.raises(UsageError, match="gives no locks: No locks available") as caught:
        Store.open(tmp_path)
    assert "--cache-dir" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_the_environment_names_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDITOR_CACHE_DIR", str(tmp_path / "there"))
    assert default_directory() == tmp_path / "there"
    for directory in (None, ""):
        with Store.open(directory) as store:
            assert store.path.parent == tmp_path / "there"
    with Store.open(str(tmp_path / "named")) as store:
        assert store.path.parent == tmp_path / "named"


@pytest.mark.parametrize("value", ["", None])
def test_without_the_environment_it_is_the_platforms(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDITOR_CACHE_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("AUDITOR_CACHE_DIR", value)
    assert default_directory().name == "auditor"
    assert default_directory().is_absolute()


def test_the_home_directory_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("AUDITOR_CACHE_DIR", "~/environment")
    for directory, name in ((None, "environment"), ("~/text", "text"), (Path("~/path"), "path")):
        with Store.open(directory) as store:
            assert store.path.parent == tmp_path / name
    with pytest.raises(UsageError, match="cannot create the cache directory ~nobody-of-this-name"):
        Store.open("~nobody-of-this-name/cache")


@contextlib.contextmanager
def another_scores(folder: Path, purposes: Sequence[str], seconds: float) -> Iterator[float]:
    """Another thread, which the locks count as another process, does this and lets go after a while."""
    held = threading.Event()

    def hold() -> None:
        with Store.open(folder) as store, contextlib.ExitStack() as locks:
            for purpose in purposes:
                locks.enter_context(store.alone(purpose))
            held.set()
            time.sleep(seconds)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(10)
    try:
        yield time.monotonic()
    finally:
        thread.join()


def test_those_wait_for_each_other_that_score_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Others do not: they would wait for nothing, and what is said of it would be false."""
    with Store.open(tmp_path) as store:
        with another_scores(tmp_path, [f"model {number}" for number in range(0, 60, 2)], 0.3) as since:
            for number in range(1, 60, 2):
                with store.alone(f"model {number}"):
                    assert not caplog.messages
            with store.alone("model 30"):
                assert time.monotonic() - since > 0.25
        assert len(caplog.messages) == 1
    assert all(path.stat().st_size == 0 for path in tmp_path.glob("*.lock"))


@pytest.mark.parametrize(("flags", "told"), [((), 1), (("-v",), 1), (("-q",), 0)])
def test_waiting_is_told_unless_a_command_is_quiet(
    flags: tuple[str, ...], told: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @console_options
    def waits() -> None:
        with (
            Store.open(tmp_path) as store,
            another_scores(tmp_path, ["a model"], 0.1),
            store.alone("a model"),
        ):
            pass

    with noting_warnings():
        waits.main(list(flags), standalone_mode=False)
    said = capsys.readouterr().err
    assert said.count("another process may be scoring the same") == told
    assert bool(said) == bool(told)
