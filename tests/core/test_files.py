"""Files appear whole or not at all."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from auditor.core.errors import RunError
from auditor.core.files import write_bytes, write_files


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "there" / "r.json")
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "r.json").read_text() == "new"


def test_a_broken_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"r\.json.*No space left"):
        write_bytes(target, b"new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_place_that_cannot_be_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RunError, match="could not write"):
        write_bytes(tmp_path / "file" / "r.json", b"new")


def test_files_of_two_calls_never_stand_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = [tmp_path / "r.html", tmp_path / "sub" / "r.json"]
    write_files(dict.fromkeys(pair, b"first"))
    replace = Path.replace

    def dies(partial: Path, target: Path) -> Path:
        if target == pair[1]:
            raise KeyboardInterrupt
        return replace(partial, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        write_files(dict.fromkeys(pair, b"second"))
    assert pair[0].read_bytes() == b"second"
    assert not pair[1].exists()


def test_nothing_is_replaced_before_all_is_staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = [tmp_path / "a.json", tmp_path / "b.json"]
    write_files(dict.fromkeys(pair, b"old"))
    synced: list[int] = []

    def full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"b\.json.*No space left"):
        write_files(dict.fromkeys(pair, b"new"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old", "b.json": b"old"}


def test_leftovers_of_a_killed_process_go_and_those_of_a_running_one_stay(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    left = tmp_path / ".auditor-0123456789abcdef.tmp"
    left.write_bytes(b"half")
    running = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(running, fcntl.LOCK_EX)
    timer = threading.Timer(0.2, os.close, [running])
    timer.start()
    try:
        assert left.exists()
        since = time.monotonic()
        write_bytes(tmp_path / "r.json", b"new")
        assert time.monotonic() - since > 0.1
    finally:
        timer.join()
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_folder_without_locks_is_written_to_and_its_leftovers_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / ".auditor-0123456789abcdef.tmp"
    left.write_bytes(b"half")

    def none(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    write_bytes(tmp_path / "r.json", b"new")
    assert left.exists()
    assert (tmp_path / "r.json").read_text() == "new"
