"""YAML, read event by event, so that each value keeps its line and nothing is built that was not asked for.

Plain values mean what YAML 1.2 says. What YAML 1.1 reads differently (`no`, `010`, `2024-01-01`) is refused rather than
guessed at, as programs and editors disagree about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import ruamel.yaml
from ruamel.yaml import events as event_types
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.resolver import implicit_resolvers

from auditor.batch.config.format import ConfigFormat
from auditor.batch.config.nodes import MOST_DEPTH, MOST_VALUES, Faults, Node, UnparsedValue, scalar, shown
from auditor.core.errors import first_line

# The parser of libyaml where it is installed; the one in Python takes a minute for the largest file.
_PURE = False
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_ZERO_FIRST = re.compile(r"[-+]?0o?[0-9]+")
_LETTERS = frozenset("yYnN")
_MERGE = "<<"


class _UnreadableError(Exception):
    """Ends the reading."""


class _Reader:
    """Builds the tree of a text; recursion is at most `MOST_DEPTH` deep, and an alias shares the node of its anchor."""

    def __init__(self, text: str, faults: Faults) -> None:
        self.line = 1
        self._faults = faults
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
                root = self._node(event, 0)
        return root or Node(1, None)

    def _node(self, event: event_types.Event, above: int) -> Node:
        """The node that begins with an event, `above` levels down."""
        self.line = line = event.start_mark.line + 1
        if isinstance(event, event_types.AliasEvent):
            return replace(self._referred(event.anchor), line=line)
        if not isinstance(event, event_types.ScalarEvent | event_types.CollectionStartEvent):
            raise _UnreadableError("this is not YAML: a value is missing")
        if event.tag is not None:
            self._faults.add(line, f"the tag {event.tag} is not read", "Write the plain value; text in quotes.")
        if isinstance(event, event_types.ScalarEvent):
            node = Node(line, UnparsedValue()) if event.tag is not None else self._scalar(event.value, not event.style)
        else:
            if above == MOST_DEPTH:
                raise _UnreadableError("nested too deeply")
            if event.anchor:
                self._anchors[event.anchor] = None
            sequence = isinstance(event, event_types.SequenceStartEvent)
            node = self._list(line, above + 1) if sequence else self._mapping(line, above + 1)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _list(self, line: int, level: int) -> Node:
        values: list[Node] = []
        size = depth = 1
        while not isinstance(event := next(self._events), event_types.SequenceEndEvent):
            values.append(self._node(event, level))
            size, depth = self._grown(size, depth, values[-1], level)
        return Node(line, values, size, depth)

    def _mapping(self, line: int, level: int) -> Node:
        values: dict[str, Node] = {}
        merged: list[Node] = []
        size = depth = 1
        while not isinstance(event := next(self._events), event_types.MappingEndEvent):
            key, at = self._key(event, values)
            node = self._node(next(self._events), level)
            size, depth = self._grown(size, depth, node, level)
            if key == _MERGE:
                merged += node.value if isinstance(node.value, list) else [node]
            else:
                values[key] = replace(node, line=at)
        for source in merged:
            if isinstance(source.value, dict):
                for key, node in source.value.items():
                    values.setdefault(key, node)
            else:
                self._faults.add(source.line, "<< takes a mapping or a list of mappings")
        if merged:
            size = 1 + sum(child.size for child in values.values())
            depth = 1 + max((child.depth for child in values.values()), default=0)
        return Node(line, values, size, depth)

    @staticmethod
    def _grown(size: int, depth: int, node: Node, level: int) -> tuple[int, int]:
        """Size and depth of a collection with one node more; aliases count as if they were written out."""
        if size + node.size > MOST_VALUES:
            raise _UnreadableError(f"more than {MOST_VALUES} values")
        if level + node.depth > MOST_DEPTH:
            raise _UnreadableError("nested too deeply")
        return size + node.size, max(depth, node.depth + 1)

    def _referred(self, anchor: str) -> Node:
        node = self._anchors.get(anchor)
        if node is None:
            inside = anchor in self._anchors
            raise _UnreadableError(
                f"*{anchor} refers to {'what it stands in' if inside else 'an anchor that is not above'}"
            )
        return node

    def _key(self, event: event_types.Event, values: dict[str, Node]) -> tuple[str, int]:
        self.line = line = event.start_mark.line + 1
        if not isinstance(event, event_types.ScalarEvent):
            raise _UnreadableError("a key has to be text")
        text = event.value
        if event.tag is not None:
            self._faults.add(line, f"the tag {event.tag} is not read", "Write the plain value; text in quotes.")
        elif not event.style and text != _MERGE and _plain(text) != text:
            self._faults.add(line, f"the key {text or 'nothing'} is no text", "Put it in quotes.")
        if text in values:
            self._faults.add(line, f"the key {shown(text)} stands at line {values[text].line} already")
        return text, line

    def _scalar(self, text: str, plain: bool) -> Node:
        value = _plain(text) if plain else text
        if not isinstance(value, UnparsedValue):
            return scalar(value, self.line, self._faults)
        either = ", or write true or false" if text.isalpha() else ""
        self._faults.add(
            self.line, f"{shown(text)} means one thing in YAML 1.1 and another in 1.2", f"Put it in quotes{either}."
        )
        return Node(self.line, value)


def _plain(text: str) -> str | int | float | bool | UnparsedValue | None:
    """The value of unquoted text; unparsed where the versions of YAML disagree."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _WHOLE.fullmatch(text):
        # Beyond 64 bits the value is refused in any case, and Python does not read thousands of digits.
        return int(text[:25])
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float("nan")
    older = (pattern for versions, _, pattern, first in implicit_resolvers if (1, 1) in versions and text[0] in first)
    # Neither version's parsers in use read a single letter as anything but text.
    if _ZERO_FIRST.fullmatch(text) or (text not in _LETTERS and any(pattern.match(text) for pattern in older)):
        return UnparsedValue()
    return text


def _read(text: str, faults: Faults) -> Node | None:
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
        faults.add(reader.line, f"this is not YAML: {first_line(error)}")
    return None


YAML = ConfigFormat("YAML", (".yaml", ".yml"), _read)
