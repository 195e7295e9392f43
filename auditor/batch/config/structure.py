"""Validation of a file against the model of a configuration, with the line and a plain message for each error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from auditor.batch.config.model import (
    NEEDED,
    TEST_NEEDED,
    AuditModel,
    BatchModel,
    DefaultsModel,
    fields_by_key,
    is_test,
)
from auditor.batch.config.nodes import Faults, Node, UnparsedValue, find, mapping, plain, shown
from auditor.core.text import did_you_mean

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of keys to values",
}

_NEARLY = 0.9

NodePath = tuple[str | int, ...]


def check_structure(root: Node, faults: Faults) -> set[NodePath]:
    """Add a fault for every unknown key, wrong type and missing key.

    Returns:
        The paths of what is wrong; what is not below one of them can be relied on.
    """
    wrong: set[NodePath] = set()
    try:
        BatchModel.model_validate(plain(root))
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            path = problem["loc"]
            wrong.add(path)
            node = find(root, path)
            # Of a list in which nothing is right, pydantic says too that it is too short.
            echo = problem["type"] == "too_short" and problem["input"]
            if not (echo or isinstance(node.value, UnparsedValue) or faults.enough):
                faults.add(node.line, *_described(problem, path))
    for number, audit in enumerate(audits(root)):
        own, shared = mapping(audit), mapping(defaults(root))
        needed = TEST_NEEDED if is_test(own, shared) else NEEDED
        for keys in needed if isinstance(audit.value, dict) else ():
            if not any(key in own or key in shared for key in keys):
                wrong.add(("audits", number, keys[0]))
                faults.add(audit.line, f"this audit has no {' and no '.join(keys)}")
    return wrong


def defaults(root: Node) -> Node:
    """What the audits have in common."""
    return mapping(root).get("defaults", Node(root.line, {}))


def audits(root: Node) -> list[Node]:
    """The audits, as they are written."""
    listed = mapping(root).get("audits")
    return listed.value if listed is not None and isinstance(listed.value, list) else []


def _described(problem: ErrorDetails, path: NodePath) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    kind, value = problem["type"], problem["input"]
    name = ".".join(str(part) for part in path if isinstance(part, str)) or "this file"
    if kind == "extra_forbidden":
        return f"unknown key {shown(path[-1])}", _close(str(path[-1]), _keys(path[:-1]))
    if kind == "missing":
        return f"no {path[-1]!r}", "Every audit needs one." if len(path) > 1 else "A batch is a list under `audits:`."
    if kind in _EXPECTED:
        return f"{name}: expected {_EXPECTED[kind]}, found {shown(value)}", _hint(kind, value, path)
    if kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", problem["ctx"]["expected"])
        close = _close(value, allowed)
        return f"{name}: {shown(value)} is none of {', '.join(allowed)}", close if close.startswith("Did") else ""
    if kind in ("too_short", "string_too_short") and not value:
        return f"{name}: empty", ""
    return f"{name}: {problem['msg'].replace('Input should', 'must').replace('String should', 'must')}", ""


def _hint(kind: str, value: Any, path: NodePath) -> str:
    if not path and isinstance(value, tuple):
        return "Put the list under `audits:`."
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "Put it in quotes."
    if isinstance(value, str) and kind == "tuple_type":
        return f"Write a list: [{', '.join(word.strip() for word in value.split(','))}]." if len(value) < 60 else ""
    if isinstance(value, str) and kind in ("int_type", "float_type", "bool_type"):
        return "Leave the quotes out." if value in ("true", "false") or re.fullmatch(r"[-+.\deE]+", value) else ""
    return ""


def _close(word: Any, known: Sequence[str]) -> str:
    """Did-you-mean in which capitals and underscores do not count."""
    spelled = {name.lower(): name for name in known}
    written = str(word).lower().replace("_", "-").replace(" ", "-")
    # One key that is nearly what is written is meant, also where another begins like it.
    nearly = get_close_matches(written, spelled, n=1, cutoff=_NEARLY)
    return f"Did you mean {spelled[nearly[0]]}?" if nearly else did_you_mean(str(word), known)


def _keys(path: NodePath) -> list[str]:
    """The keys that a mapping may have."""
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    models: dict[str, Any] = {name: field.annotation for name, field in fields_by_key(DefaultsModel).items()}
    models |= {"": BatchModel, "defaults": DefaultsModel, "audits": AuditModel}
    return list(fields_by_key(models[key]))
