"""Discovery: the modules of a package register what they define, so no list has to be maintained."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import TypeVar

from auditor.core.errors import UsageError
from auditor.core.text import did_you_mean

T = TypeVar("T")


def discover(package: ModuleType, kind: type[T]) -> tuple[T, ...]:
    """Collect every module-level instance of `kind`, or tuple that holds some, in the modules of a package.

    Args:
        package: The imported package whose direct modules are searched (those starting with `_` are skipped).
        kind: The class of the instances.

    Returns:
        The instances, by module name and then in order of definition, each once.
    """
    instances: dict[int, T] = {}
    for name in _module_names(tuple(package.__path__)):
        module = importlib.import_module(f"{package.__name__}.{name}")
        for value in vars(module).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, kind):
                    instances.setdefault(id(item), item)
    return tuple(instances.values())


@cache
def _module_names(folders: Sequence[str]) -> tuple[str, ...]:
    # Every lookup of a name discovers: the folders are listed once a process.
    names = (info.name for info in pkgutil.iter_modules(folders))
    return tuple(sorted(name for name in names if not name.startswith("_")))


def pick(word: str, known: dict[str, T], *, what: str) -> T:
    """Look a name up.

    Raises:
        UsageError: The name is unknown; the hint names close ones.
    """
    try:
        return known[word]
    except KeyError:
        raise UsageError(f"unknown {what} {word!r}", hint=did_you_mean(word, known)) from None
