"""The benchmarks are run by hand and seldom: what they import of the program must still be there."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.fixture
def _beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if one of them were run, and without a trace afterwards."""
    if sys.platform == "win32":
        pytest.skip("some of them ask the system for memory and processor time, as POSIX has it")
    monkeypatch.syspath_prepend(FOLDER)
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("_beside_each_other")
@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_can_be_imported(name: str) -> None:
    before = set(sys.modules)
    try:
        module = importlib.import_module(name)
        assert Path(str(module.__file__)).parent == FOLDER
    finally:
        for added in set(sys.modules) - before:
            if added in NAMES:
                del sys.modules[added]
