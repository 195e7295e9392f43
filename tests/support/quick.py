"""The markers `model` and `process`, so that `make quick` runs the tests that are cheap and imports no PyTorch.

`model` is on every test that needs PyTorch, `process` on every test that starts a process of its own. A test carries
them by itself where it uses a fixture that saves or scores a model, or where its source, that of a function of tests
that it calls, or that of a fixture of its, imports a model library or starts a process; `pytest.mark.model` and
`pytest.mark.process` say so where neither shows. A test without them that imports PyTorch or starts a process after
all fails where tests with them are left out. Two more kinds are left out and say so by themselves:
`pytest.mark.simulation` and `pytest.mark.long`.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Generator, Iterator, Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TypeGuard

import pytest

FIXTURES = {"make_tiny_model", "sample_cache"}
_HEAVY = r"torch|transformers|peft|tokenizers|auditor\.models\.runtime|auditor\.signals\.(?:kernel|top_k)"
_IMPORT = rf"(?:import|from) (?:{_HEAVY})\b"
AT_THE_TOP, ANYWHERE = re.compile(rf"^{_IMPORT}", re.MULTILINE), re.compile(rf"^ *{_IMPORT}", re.MULTILINE)
STARTS = re.compile(r"\bsubprocess\.|\bmultiprocessing\.|\bos\.fork\(|\bchildren\.start\(")
_EVENTS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec", "os.system"}
_TESTS = str(Path(__file__).parents[1])
_started: list[str] = []


def _left_out(config: pytest.Config, marker: str) -> bool:
    return f"not {marker}" in config.option.markexpr


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over a file that imports PyTorch where it is read."""
    if not _left_out(config, "model") or collection_path.suffix != ".py":
        return None
    return True if AT_THE_TOP.search(collection_path.read_text(encoding="utf-8")) else None


@cache
def _source(function: FunctionType) -> str:
    return inspect.getsource(function)


def _is_own(value: object) -> TypeGuard[FunctionType]:
    return isinstance(value, FunctionType) and value.__code__.co_filename.startswith(_TESTS)


def _called(function: FunctionType) -> Iterator[FunctionType]:
    """The functions, and methods of classes, of its own module and of `tests/support` that a function names."""
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        home = getattr(value, "__module__", None)
        if home != function.__module__ and not str(home).startswith("support."):
            continue
        yield from (each for each in (vars(value).values() if isinstance(value, type) else (value,)) if _is_own(each))


@cache
def _text(function: FunctionType) -> str:
    """The source of a function and of all that it calls."""
    reached, waiting = set[FunctionType](), [function]
    while waiting:
        reached.add(latest := waiting.pop())
        waiting += [other for other in _called(latest) if other not in reached]
    return "\n".join(map(_source, reached))


@cache
def _shows(function: FunctionType, pattern: re.Pattern[str]) -> bool:
    return bool(pattern.search(_text(function)))


def _functions(item: pytest.Item) -> Iterator[FunctionType]:
    """The function of a test and those of its fixtures."""
    yield inspect.unwrap(item.obj)  # type: ignore[attr-defined]
    for definitions in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined]
        function = inspect.unwrap(definitions[-1].func)
        if _is_own(function):
            yield function


def mark_models(items: list[pytest.Item]) -> None:
    """Mark the tests, before `-m` selects among them."""
    for item in items:
        functions = list(_functions(item))
        if FIXTURES & set(getattr(item, "fixturenames", ())) or any(_shows(each, ANYWHERE) for each in functions):
            item.add_marker("model")
        if any(_shows(each, STARTS) for each in functions):
            item.add_marker("process")


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in _EVENTS:
        _started.append(f"{event} {arguments[0]!r}")


class _Refused(Loader):
    """PyTorch, found and never loaded. The failure is no `Exception`, so that no code under test can swallow it."""

    def exec_module(self, module: ModuleType) -> None:
        pytest.fail("this test imports torch: mark it with pytest.mark.model")


class _WithoutTorch(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname == "torch" else None
        if spec is not None:
            spec.loader = _Refused()
        return spec


def pytest_configure(config: pytest.Config) -> None:
    """Let no test import PyTorch, and see processes start, where tests that do are left out."""
    if _left_out(config, "model"):
        sys.meta_path.insert(0, _WithoutTorch())
    if _left_out(config, "process"):
        sys.addaudithook(_watch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Fail every test that starts a process where none may."""
    _started.clear()
    yield
    if _left_out(item.config, "process") and _started:
        pytest.fail(f"{item.nodeid} starts a process ({_started[0]}): mark it with pytest.mark.process")
