"""Drawing a report writes nowhere but the cache, and nowhere at all where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.results import build

from auditor.report.renderer import write_outputs

PROGRAM = """
import sys
from auditor.cli.main import run
code = run(["report", "result.json", "-o", "report.html"])
import matplotlib
print(matplotlib.get_cachedir())
sys.exit(code)
"""


def drawn(folder: Path, **variables: str) -> tuple[set[str], str, str]:
    """New files below a folder after a report was drawn there in a process of its own, and what it printed."""
    write_outputs(build(), [folder / "result.json"])
    names = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "AUDITOR_CACHE_DIR", "TMPDIR")
    clean = {name: value for name, value in os.environ.items() if name not in names}
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    variables = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), **variables}
    before = set(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env={**clean, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    new = {str(path.relative_to(folder)) for path in set(folder.rglob("*")) - before if path.is_file()}
    return new - {"report.html"}, done.stdout.splitlines()[-1], done.stderr


def test_fonts_are_listed_in_the_cache_folder(tmp_path: Path) -> None:
    new, where, printed = drawn(tmp_path)
    assert all(name.startswith("home/.cache/auditor/matplotlib/fontlist") for name in new), new
    assert new
    assert where == str(tmp_path / "home/.cache/auditor/matplotlib")
    assert "temporary" not in printed


def test_a_named_cache_folder_is_followed(tmp_path: Path) -> None:
    new, _, _ = drawn(tmp_path, AUDITOR_CACHE_DIR=str(tmp_path / "mine"))
    assert new
    assert all(name.startswith("mine/matplotlib/fontlist") for name in new), new


@pytest.mark.parametrize("home", ["file", "nowhere/under-a-file"])
def test_nothing_is_left_where_there_is_no_folder_to_write(home: str, tmp_path: Path) -> None:
    """A home that is a file stands for one that may not be written: whoever runs the tests may write anywhere."""
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").write_text("")
    new, where, printed = drawn(tmp_path, HOME=str(tmp_path / home))
    assert new == set()
    assert where.startswith(str(tmp_path / "tmp" / "auditor-matplotlib-"))
    assert "matplotlib" not in printed.lower()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_users_own_folder_of_matplotlib_is_left_to_them(tmp_path: Path) -> None:
    new, where, _ = drawn(tmp_path, MPLCONFIGDIR=str(tmp_path / "theirs"))
    assert where == str(tmp_path / "theirs")
    assert all(name.startswith("theirs/") for name in new), new
