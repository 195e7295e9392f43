"""TOML, whose parser in the standard library gives values without lines; a scan of the same text finds the lines."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from auditor.batch.config.format import ConfigFormat
from auditor.batch.config.nodes import MOST_DEPTH, Faults, Node, UnparsedValue, scalar

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r]+|\#[^\n]*)
    | (?P<line>\n)
    | (?P<text>\"{3}(?:\\.|[^\\])*?\"{3,5}(?!\")|'{3}.*?'{3,5}(?!'))
    | (?P<unclosed>\"{3}|'{3})
    | (?P<line_text>"(?:\\[^\n]|[^"\\\n])*"|'[^'\n]*')
    | (?P<mark>[][{}=.,])
    | (?P<bare>[A-Za-z0-9_+:-]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_PLACE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")
_ENDLESS = re.compile(r"[0-9_]{4000}")

Path = tuple[str | int, ...]


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    """What a TOML text is made of, without spaces and comments; ends early where it is no TOML."""
    position, line = 0, 1
    while found := _TOKEN.match(text, position):
        kind, said, position = str(found.lastgroup), found.group(), found.end()
        if kind == "unclosed":
            return
        if kind != "space":
            yield _Token("text" if kind == "line_text" else kind, said, line)
        line += said.count("\n")


def _deep_key(text: str) -> int | None:
    """The line of a key with very many parts, on which the parser would take time that grows with their square."""
    parts = 0
    for token in _tokens(text):
        parts = parts + 1 if token.text == "." else parts if token.kind in ("bare", "text") else 0
        if parts > MOST_DEPTH:
            return token.line
    return None


class _Scan:
    """The line of every path of a TOML text that the parser has accepted."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._tokens = _tokens(text)
        self._last: dict[Path, int] = {}
        self._next()
        self._statements()

    def _next(self) -> None:
        self._now = next(self._tokens, _Token("end", "", 0))

    def _skip(self, *wanted: str) -> None:
        while self._now.text in wanted and self._now.kind != "end":
            self._next()

    def _statements(self) -> None:
        table: Path = ()
        while self._now.kind != "end":
            if self._now.kind == "line":
                self._next()
            elif self._now.text == "[":
                table = self._header()
            else:
                self._assignment(table)

    def _header(self) -> Path:
        """The table whose header this is; of an array of tables, its next element."""
        line = self._now.line
        self._next()
        element = self._now.text == "["
        if element:
            self._next()
        path: Path = ()
        parts = self._key()
        for place, part in enumerate(parts):
            path = (*path, part)
            self.lines.setdefault(path, line)
            if element and place == len(parts) - 1:
                self._last[path] = self._last.get(path, -1) + 1
            if path in self._last:
                path = (*path, self._last[path])
                self.lines.setdefault(path, line)
        self._skip("]")
        return path

    def _key(self) -> list[str]:
        parts = []
        while self._now.kind in ("bare", "text"):
            quoted = self._now.kind == "text"
            parts.append(str(tomllib.loads(f"k={self._now.text}")["k"]) if quoted else self._now.text)
            self._next()
            self._skip(".")
        return parts

    def _assignment(self, table: Path) -> None:
        line, path = self._now.line, table
        for part in self._key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self._skip("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._now.text == "[":
            self._next()
            self._skip("\n")
            index = 0
            while self._now.text != "]":
                self.lines[*path, index] = self._now.line
                self._value((*path, index))
                self._skip("\n", ",")
                index += 1
            self._next()
        elif self._now.text == "{":
            self._next()
            self._skip("\n")
            while self._now.text != "}":
                self._assignment(path)
                self._skip("\n", ",")
            self._next()
        else:
            while self._now.kind not in ("line", "end") and self._now.text not in (",", "]", "}"):
                self._next()


def _node(value: Any, path: Path, lines: dict[Path, int], above: int, faults: Faults) -> Node:
    line = lines.get(path, above)
    if isinstance(value, dict):
        below = {key: _node(child, (*path, key), lines, line, faults) for key, child in value.items()}
        return Node(line, below)
    if isinstance(value, list):
        return Node(line, [_node(child, (*path, i), lines, line, faults) for i, child in enumerate(value)])
    if isinstance(value, str | int | float | bool):
        return scalar(value, line, faults)
    faults.add(line, "a date or a time, where none is asked for", "Put it in quotes.")
    return Node(line, UnparsedValue())


def _depth(value: Any) -> int:
    """Levels of nesting, found level by level."""
    level, depth = [value], 0
    while level:
        depth += 1
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
    return depth


def _read(text: str, faults: Faults) -> Node | None:
    if deep := _deep_key(text):
        faults.add(deep, "nested too deeply")
        return None
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        faults.add(1, "nested too deeply")
        return None
    except ValueError as error:
        place = _PLACE.search(str(error))
        # Python reads numbers of some thousand digits at most, and then does not say where the longer one stands.
        end = len(text) if place or not (number := _ENDLESS.search(text)) else number.start()
        line = int(place[1]) if place and place[1] else text.count("\n", 0, end) + 1
        faults.add(line, f"this is not TOML: {_PLACE.sub('', str(error))}")
        return None
    if _depth(tree) > MOST_DEPTH:
        faults.add(1, "nested too deeply")
        return None
    return _node(tree, (), _Scan(text).lines, 1, faults)


TOML = ConfigFormat("TOML", (".toml",), _read)
