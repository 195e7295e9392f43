"""YAML, read event by event, so that each value keeps its line and nothing is built that was not asked for.

Plain values mean what YAML 1.2 says. What YAML 1.1 reads differently (`no`, `010`, `2024-01-01`) is refused rather than
guessed at, as programs and editors disagree about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import yaml

from auditor.batch.config.format import ConfigFormat
from auditor.batch.config.nodes import MOST_DEPTH, MOST_VALUES, Faults, Node, UnparsedValue, scalar, shown
from auditor.core.errors import first_line

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_ZERO_FIRST = re.compile(r"[-+]?0o?[0-9]+")
_MERGE = "<<"


class _UnreadableError(Exception):
    """What ends the reading."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    line: int
    value: list[Node] | dict[str, Node]
    anchor: str | None
    key: tuple[str, int] | None = None
    merged: list[Node] = field(default_factory=list)
    size: int = 1
    depth: int = 1


class _Builder:
    """Takes events and builds the tree; its state is a stack of what is open, so depth costs no recursion."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.root: Node | None = None
        self.line = 1
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        self.line = self.line if event.start_mark is None else event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise _UnreadableError("a second document; a batch is one")
        if isinstance(event, yaml.AliasEvent):
            self._put(replace(self._referred(event.anchor), line=self.line))
        elif isinstance(event, yaml.CollectionStartEvent | yaml.ScalarEvent):
            tagged = event.tag is not None
            if tagged:
                self.faults.add(self.line, f"the tag {event.tag} is not read", "Write the plain value; text in quotes.")
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event, tagged)
                return
            if len(self._open) == MOST_DEPTH:
                raise _UnreadableError("nested too deeply")
            if event.anchor:
                self._anchors[event.anchor] = None
            self._open.append(_Open(self.line, [] if isinstance(event, yaml.SequenceStartEvent) else {}, event.anchor))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(self._open.pop())

    def _referred(self, anchor: str | None) -> Node:
        node = self._anchors.get(anchor or "")
        if node is None:
            inside = anchor in self._anchors
            raise _UnreadableError(
                f"*{anchor} refers to {'what it stands in' if inside else 'an anchor that is not above'}"
            )
        return node

    def _scalar(self, event: yaml.ScalarEvent, tagged: bool) -> None:
        plain = event.style is None or event.style == ""
        here = self._open[-1] if self._open else None
        if here is not None and isinstance(here.value, dict) and here.key is None:
            self._key(here, event.value, plain and not tagged)
            return
        node = Node(self.line, UnparsedValue()) if tagged else self._read(event.value, plain)
        self._put(node, event.anchor)

    def _key(self, here: _Open, text: str, plain: bool) -> None:
        if plain and text != _MERGE and self._plain(text) != text:
            self.faults.add(self.line, f"the key {text or 'nothing'} is no text", "Put it in quotes.")
        if isinstance(here.value, dict) and text in here.value:
            self.faults.add(self.line, f"the key {shown(text)} stands at line {here.value[text].line} already")
        here.key = (text, self.line)

    def _read(self, text: str, plain: bool) -> Node:
        value = self._plain(text) if plain else text
        if not isinstance(value, UnparsedValue):
            return scalar(value, self.line, self.faults)
        either = ", or write true or false" if text.isalpha() else ""
        self.faults.add(
            self.line, f"{shown(text)} means one thing in YAML 1.1 and another in 1.2", f"Put it in quotes{either}."
        )
        return Node(self.line, value)

    @staticmethod
    def _plain(text: str) -> str | int | float | bool | UnparsedValue | None:
        """What an unquoted value means; unread where the versions of YAML disagree."""
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
        older = yaml.SafeLoader.yaml_implicit_resolvers.get(text[0], [])
        if _ZERO_FIRST.fullmatch(text) or any(pattern.match(text) for _, pattern in older):
            return UnparsedValue()
        return text

    def _close(self, closed: _Open) -> None:
        value = closed.value
        if isinstance(value, dict):
            for source in closed.merged:
                below = source.value
                if not isinstance(below, dict):
                    self.faults.add(source.line, "<< takes a mapping or a list of mappings")
                    continue
                for key, child in below.items():
                    value.setdefault(key, child)
            if closed.merged:
                closed.size = 1 + sum(child.size for child in value.values())
                closed.depth = 1 + max((child.depth for child in value.values()), default=0)
        self._put(Node(closed.line, value, closed.size, closed.depth), closed.anchor)

    def _put(self, node: Node, anchor: str | None = None) -> None:
        """Put a finished node where it belongs."""
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        here = self._open[-1]
        here.size += node.size
        here.depth = max(here.depth, node.depth + 1)
        if here.size > MOST_VALUES:
            raise _UnreadableError(f"more than {MOST_VALUES} values")
        if len(self._open) + node.depth > MOST_DEPTH:
            raise _UnreadableError("nested too deeply")
        if isinstance(here.value, list):
            here.value.append(node)
        elif here.key is None:
            raise _UnreadableError("a key has to be text")
        else:
            (key, line), here.key = here.key, None
            if key == _MERGE:
                here.merged += node.value if isinstance(node.value, list) else [node]
            else:
                here.value[key] = replace(node, line=line)


def _read(text: str, faults: Faults) -> Node | None:
    builder = _Builder(faults)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except _UnreadableError as error:
        faults.add(builder.line, str(error))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        faults.add(builder.line if mark is None else mark.line + 1, f"this is not YAML: {said}")
    except yaml.YAMLError as error:
        faults.add(builder.line, f"this is not YAML: {first_line(error)}")
    else:
        return builder.root or Node(1, None)
    return None


YAML = ConfigFormat("YAML", (".yaml", ".yml"), _read)
