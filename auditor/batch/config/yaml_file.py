"""YAML, read event by event: each value keeps its line, and nothing else is ever built.

Plain values mean what YAML 1.2 says. What YAML 1.1 reads differently (`no`, `010`, `2024-01-01`) is refused rather than
guessed at, as programs and editors disagree about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import ruamel.yaml
from ruamel.yaml import events as event_types
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.resolver import implicit_resolvers

from auditor.batch.config.nodes import MOST_DEPTH, MOST_VALUES, Faults, Node, UnparsedValue, scalar, shown
from auditor.core.errors import reason_of

# The parser of libyaml where it is installed; the one in Python takes a minute for the largest file.
_PURE = False
_MERGE = "<<"
_VALUES: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile("|~|null|Null|NULL"), lambda _: None),
    (re.compile("true|True|TRUE|false|False|FALSE"), lambda word: word.lower() == "true"),
    # Beyond 64 bits the value is refused in any case, and Python does not read thousands of digits.
    (re.compile("[-+]?(0|[1-9][0-9]*)"), lambda digits: int(digits[:25])),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda _: float("nan")),
    (re.compile("[-+]?0o?[0-9]+"), lambda _: UnparsedValue()),
    # Neither version's parsers in use read a single letter as anything but text.
    (re.compile("[yYnN]"), str),
)


def read_yaml(text: str, faults: Faults) -> Node | None:
    """The values of a YAML text; None where it cannot be read at all."""
    reader = _Reader(text, faults)
    try:
        return reader.document()
    except _UnreadableError as error:
        faults.add(reader.line, str(error))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        faults.add(reader.line if mark is None else mark.line + 1, f"this is not YAML: {problem}")
    except YAMLError as error:
        faults.add(reader.line, f"this is not YAML: {reason_of(error)}")
    return None


class _UnreadableError(Exception):
    """Ends the reading."""


class _Reader:
    """Builds the tree of a text; recursion is at most `MOST_DEPTH` deep, and an alias shares the node of its anchor."""

    def __init__(self, text: str, faults: Faults) -> None:
        self.line = 1
        self._faults = faults
        self._n_merged = 0
        self._anchors: dict[str, Node | None] = {}
        self._events: Iterator[event_types.Event] = ruamel.yaml.YAML(typ="safe", pure=_PURE).parse(text)

    def document(self) -> Node:
        """The tree of the one document."""
        root: Node | None = None
        for event in self._events:
            self.line = event.start_mark.line + 1
            if isinstance(event, event_types.DocumentStartEvent) and root is not None:
                raise _UnreadableError("a second document; a batch is one")
            if isinstance(event, event_types.NodeEvent):
                root = self._node(event, 1)
        return root or Node(1, None)

    def _node(self, event: event_types.Event, level: int) -> Node:
        self.line = line = event.start_mark.line + 1
        if level > MOST_DEPTH:
            raise _UnreadableError("nested too deeply")
        if isinstance(event, event_types.AliasEvent):
            node = self._anchors.get(event.anchor)
            if node is None:
                where = "what it stands in" if event.anchor in self._anchors else "an anchor that is not above"
                raise _UnreadableError(f"*{event.anchor} refers to {where}")
            return replace(node, line=line)
        if not isinstance(event, event_types.ScalarEvent | event_types.CollectionStartEvent):
            raise _UnreadableError("this is not YAML: a value is missing")
        tagged = self._tagged(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, event_types.SequenceStartEvent):
            items = _until(self._events, event_types.SequenceEndEvent)
            node = Node(line, [self._node(item, level + 1) for item in items])
        elif isinstance(event, event_types.ScalarEvent):
            node = Node(line, UnparsedValue()) if tagged else self._scalar(event)
        else:
            node = Node(line, self._mapping(level))
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _mapping(self, level: int) -> dict[str, Node]:
        values: dict[str, Node] = {}
        merged: list[Node] = []
        for event in _until(self._events, event_types.MappingEndEvent):
            key, line = self._key(event, values)
            node = self._node(next(self._events), level + 1)
            if key == _MERGE:
                merged += node.value if isinstance(node.value, list) else [node]
            else:
                values[key] = replace(node, line=line)
        for source in merged:
            if not isinstance(source.value, dict):
                self._faults.add(source.line, "<< takes a mapping or a list of mappings")
                continue
            self._n_merged += len(source.value)
            if self._n_merged > MOST_VALUES:
                raise _UnreadableError(f"more than {MOST_VALUES} values")
            for key, node in source.value.items():
                values.setdefault(key, node)
        return values

    def _key(self, event: event_types.Event, above: dict[str, Node]) -> tuple[str, int]:
        self.line = line = event.start_mark.line + 1
        if not isinstance(event, event_types.ScalarEvent):
            raise _UnreadableError("a key has to be text")
        text = event.value
        if not self._tagged(event) and not event.style and text != _MERGE and _plain(text) != text:
            self._faults.add(line, f"the key {text or 'nothing'} is no text", "Put it in quotes.")
        if text in above:
            self._faults.add(line, f"the key {shown(text)} stands at line {above[text].line} already")
        return text, line

    def _tagged(self, event: event_types.ScalarEvent | event_types.CollectionStartEvent) -> bool:
        if event.tag is not None:
            self._faults.add(self.line, f"the tag {event.tag} is not read", "Write the plain value; text in quotes.")
        return event.tag is not None

    def _scalar(self, event: event_types.ScalarEvent) -> Node:
        text = event.value
        value = text if event.style else _plain(text)
        if not isinstance(value, UnparsedValue):
            return scalar(value, self.line, self._faults)
        either = ", or write true or false" if text.isalpha() else ""
        problem = f"{shown(text)} means one thing in YAML 1.1 and another in 1.2"
        self._faults.add(self.line, problem, f"Put it in quotes{either}.")
        return Node(self.line, value)


def _until(events: Iterator[event_types.Event], end: type[event_types.Event]) -> Iterator[event_types.Event]:
    """The events before the next of type `end`; what comes below one of them is taken by the caller."""
    while not isinstance(event := next(events), end):
        yield event


def _plain(text: str) -> Any:
    """The value of unquoted text; unparsed where the versions of YAML disagree."""
    for pattern, value in _VALUES:
        if pattern.fullmatch(text):
            return value(text)
    older = (pattern for versions, _, pattern, first in implicit_resolvers if (1, 1) in versions and text[0] in first)
    return UnparsedValue() if any(pattern.match(text) for pattern in older) else text
