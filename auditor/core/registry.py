"""Discovery: whatever a room's files define is found by looking, so no list has to be kept in step."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType
from typing import TypeVar

from auditor.core.errors import UsageError

T = TypeVar("T")


def discover(package: ModuleType, kind: type[T]) -> tuple[T, ...]:
    """Collect every module-level instance of `kind`, or tuple holding some, in the modules of a package.

    Args:
        package: The imported package whose direct modules are searched (those starting with `_` are skipped).
        kind: The class whose instances are wanted.

    Returns:
        The instances, by module name and then in order of definition, each once.
    """
    found: dict[int, T] = {}
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda item: item.name):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for value in vars(module).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, kind):
                    found.setdefault(id(item), item)
    return tuple(found.values())


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint naming the closest known words, or all of them when none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=3)
    if close:
        return f"Did you mean {', '.join(close)}?"
    return f"Known: {', '.join(names)}." if names else ""


def pick(word: str, known: dict[str, T], *, what: str) -> T:
    """Look a name up.

    Raises:
        UsageError: The name is unknown; the hint names close ones.
    """
    try:
        return known[word]
    except KeyError:
        raise UsageError(f"unknown {what} {word!r}", hint=did_you_mean(word, known)) from None
