"""Files appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.errors import RunError
from auditor.core.files import write_text


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "there" / "r.json")
    write_text(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "there" / "r.json").read_text() == "new"


def test_a_broken_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"r\.json.*No space left"):
        write_text(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_place_that_cannot_be_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(RunError, match="could not write"):
        write_text(tmp_path / "file" / "r.json", "new")
