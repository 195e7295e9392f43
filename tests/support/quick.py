"""The marker `model`: on every test that needs PyTorch, so that `-m 'not model'` runs the others without importing it.

A test carries it by itself where it uses a fixture that saves or scores a model, or where its source imports a model
library; `pytest.mark.model` says so where neither shows. A test without it that imports PyTorch after all fails.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest

FIXTURES = {"make_tiny_model", "sample_cache"}
_HEAVY = r"torch|transformers|peft|tokenizers|auditor\.models\.runtime|auditor\.signals\.(?:kernel|top_k)"
_IMPORT = rf"(?:import|from) (?:{_HEAVY})\b"
AT_THE_TOP, ANYWHERE = re.compile(rf"^{_IMPORT}", re.MULTILINE), re.compile(rf"^ *{_IMPORT}", re.MULTILINE)


def _without_models(config: pytest.Config) -> bool:
    return "not model" in config.option.markexpr


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over a file that imports PyTorch where it is read."""
    if not _without_models(config) or collection_path.suffix != ".py":
        return None
    return True if AT_THE_TOP.search(collection_path.read_text(encoding="utf-8")) else None


@cache
def _imports(function: object) -> bool:
    return bool(ANYWHERE.search(inspect.getsource(function)))  # type: ignore[arg-type]


def mark_models(items: list[pytest.Item]) -> None:
    """Mark the tests, before `-m` selects among them."""
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())) or _imports(inspect.unwrap(item.obj)):  # type: ignore[attr-defined]
            item.add_marker("model")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Fail the first test that imports PyTorch where none may."""
    before = "torch" in sys.modules
    yield
    if _without_models(item.config) and not before and "torch" in sys.modules:
        pytest.fail(f"{item.nodeid} imports torch: mark it with pytest.mark.model")
