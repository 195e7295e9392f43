"""What a configuration file holds, each value with its line, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from auditor.core.errors import AuditorError, FaultsError
from auditor.core.text import visible

MOST_DEPTH = 12
"""Levels of nesting that are read; a batch needs five."""

MOST_VALUES = 200_000
"""Values that a file may stand for, references to anchors written out; some ten thousand audits."""

_LARGEST = 2**63

_MOST_FAULTS = 100


@dataclass(frozen=True, slots=True)
class UnparsedValue:
    """Stands for a value that cannot be read and is reported already."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a configuration file.

    Attributes:
        line: Where its key stands, or the value itself where it has none, from 1.
        value: A scalar, or the nodes below.
    """

    line: int
    value: str | int | float | bool | UnparsedValue | list[Node] | dict[str, Node] | None


class Faults:
    """The faults of a file, all reported at once; after the first hundred no more are recorded."""

    def __init__(self) -> None:
        self._lines: set[tuple[int, str]] = set()

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def enough(self) -> bool:
        """Whether so much is wrong that the rest can wait."""
        return len(self._lines) > _MOST_FAULTS

    def add(self, line: int, what: str, hint: str = "") -> None:
        """Record a fault; the same one at the same line counts once."""
        if not self.enough:
            self._lines.add((line, visible(f"{what}. {hint}" if hint else what)))

    def take(self, line: int, error: AuditorError) -> None:
        """Record an error of another part of the program."""
        self.add(line, error.message, error.hint)

    def raise_any(self, name: str) -> None:
        """Raise the faults, one a line, by line.

        Raises:
            FaultsError: There is a fault.
        """
        messages = [f"{name}:{line}: {what}" for line, what in sorted(self._lines)]
        if self.enough:
            messages[_MOST_FAULTS:] = [f"{name}: and more"]
        if messages:
            raise FaultsError("\n".join(messages))


def scalar(value: str | int | float | bool | None, line: int, faults: Faults) -> Node:
    """A node of one value; numbers that JSON could not hold, and text that no file can, are faults.

    A number without a fraction is whole however it is written, as JSON Schema has it: `1e4` is 10000.
    """
    problem = ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float) and not -_LARGEST < value < _LARGEST:
        problem = "not a finite number"
    elif isinstance(value, int) and not isinstance(value, bool) and not -_LARGEST <= value < _LARGEST:
        problem = "a number of more than 64 bits"
    elif isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        problem = f"{shown(value)} holds a character that cannot be written down"
    if problem:
        faults.add(line, problem)
    return Node(line, UnparsedValue() if problem else value)


def bounded(root: Node, faults: Faults) -> Node | None:
    """A tree that is neither too deep nor too large, references to anchors written out; otherwise None and a fault."""
    stack, n_values = [(root, 1)], 0
    while stack:
        node, level = stack.pop()
        n_values += 1
        if level > MOST_DEPTH or n_values > MOST_VALUES:
            faults.add(node.line, "nested too deeply" if level > MOST_DEPTH else f"more than {MOST_VALUES} values")
            return None
        below = [*node.value.values()] if isinstance(node.value, dict) else node.value
        if isinstance(below, list):
            stack += [(child, level + 1) for child in below]
    return root


def mapping(node: Node) -> dict[str, Node]:
    """The entries of a node; none where it is no mapping."""
    return node.value if isinstance(node.value, dict) else {}


def plain(node: Node) -> Any:
    """The value without lines; lists become tuples, so that a strict model takes them."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return tuple(plain(child) for child in node.value)
    return node.value


def find(node: Node, path: Sequence[str | int]) -> Node:
    """The node at a path, or the last one on the way to it that there is."""
    for part in path:
        below: Any = node.value
        if not (part in below if isinstance(below, dict) else isinstance(below, list) and part in range(len(below))):
            break
        node = below[part]
    return node


def shown(value: Any) -> str:
    """A value in a message, cut where it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}…{text[-10:]}"
