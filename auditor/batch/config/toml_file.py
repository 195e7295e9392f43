"""TOML, whose parser in the standard library gives values without lines; a text of the same keys gives the lines."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import replace
from typing import Any

from auditor.batch.config.nodes import MOST_DEPTH, Faults, Node, UnparsedValue, scalar

_PART = r"""(?>[\w-]+|"(?>\\[^\n]|[^"\\\n])*"|'[^'\n]*')"""
_DOTTED = rf"[ \t]*{_PART}(?>[ \t]*\.[ \t]*{_PART})"
_COMMON = rf"(?P<deep>\[{{0,2}}{_DOTTED}{{{MOST_DEPTH},}})|(?P<between>[\s,]+|\#[^\n]*)|(?P<key>{_DOTTED}*[ \t]*=)|"
_STATEMENT = re.compile(rf"{_COMMON}(?P<header>\[\[?{_DOTTED}*[ \t]*\]\]?)")
_VALUE = re.compile(
    _COMMON + r"(?P<open>[\[{])|(?P<close>[]}])"
    r'|(?P<scalar>"{3}(?:\\.|[^\\])*?(?:"{3,5}(?!")|\Z)'
    r"|'{3}.*?(?:'{3,5}(?!')|\Z)"
    r"""|"(?>\\[^\n]|[^"\\\n])*"|'[^'\n]*'|[^\s,\]}#"']+(?:[ ][0-9:.+Z-]+)?)""",
    re.DOTALL,
)
_EMPTY = re.compile(r"[ \t]*}")
_AT = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")
_ENDLESS = re.compile(r"[0-9_]{4000}")


class _DeepKeyError(Exception):
    """A key has very many parts, on which the parser would take time that grows with their square."""


def read_toml(text: str, faults: Faults) -> Node | None:
    """The values of a TOML text; None where it cannot be read at all."""
    # No key of a text can be its own digest.
    mark = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        lines = _as_lines(text, mark)
        values = tomllib.loads(text)
        return replace(_node(values, tomllib.loads(lines), mark, faults), line=1)
    except _DeepKeyError as error:
        faults.add(error.args[0], "nested too deeply")
    except RecursionError:
        faults.add(1, "nested too deeply")
    except ValueError as error:
        at = _AT.search(str(error))
        # Python reads numbers of some thousand digits at most, and then does not say where the longer one stands.
        end = len(text) if at or not (number := _ENDLESS.search(text)) else number.start()
        line = int(at[1]) if at and at[1] else text.count("\n", 0, end) + 1
        faults.add(line, f"this is not TOML: {_AT.sub('', str(error))}")
    return None


def _as_lines(text: str, mark: str) -> str:
    """The text with each scalar replaced by its line.

    The line of an array is put before its elements, that of a table at the key `mark`. Ends early where the text is no
    TOML.

    Raises:
        _DeepKeyError: A key has too many parts; its argument is the line.
    """
    written: list[str] = []
    position, line, depth, after_key = 0, 1, 0, False
    while match := (_VALUE if depth or after_key else _STATEMENT).match(text, position):
        kind, token, position = match.lastgroup, match.group(), match.end()
        after_key = kind == "key" or (after_key and kind == "between")
        depth += (kind == "open") - (kind == "close")
        if kind == "deep":
            raise _DeepKeyError(line)
        written.append(str(line) if kind == "scalar" else token)
        if kind == "header":
            written.append(f"\n{mark} = {line}")
        elif kind == "open":
            comma = "" if _EMPTY.match(text, position) else ","
            written.append(f"{line}," if token == "[" else f"{mark} = {line}{comma}")
        line += token.count("\n")
    return "".join(written)


def _node(value: Any, lines: Any, mark: str, faults: Faults) -> Node:
    if isinstance(value, dict):
        table = {key: _node(child, lines[key], mark, faults) for key, child in value.items()}
        own = [lines[mark]] if mark in lines else []
        return Node(min([*own, *(child.line for child in table.values())], default=1), table)
    if isinstance(value, list):
        # An array of tables has no line of its own.
        own, below = lines[: len(lines) - len(value)], lines[len(lines) - len(value) :]
        array = [_node(child, line, mark, faults) for child, line in zip(value, below, strict=True)]
        return Node(min([*own, *(child.line for child in array)]), array)
    if isinstance(value, str | int | float | bool):
        return scalar(value, lines, faults)
    faults.add(lines, "a date or a time, where none is allowed", "Put it in quotes.")
    return Node(lines, UnparsedValue())
