"""Marks on the fields of records, from which `auditor verify` knows what it cannot check."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, is_dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """A field that nothing in a result file proves: whoever writes the file can change it unnoticed.

    Attributes:
        reason: What it is, for people.
        shown_by: What proves it once all of it is available (`Subject.available`); nothing does where it is empty.
        parts: Patterns of what is meant below the field; `[*]` is any item, `.*` any key, `**` everything.
    """

    reason: str
    shown_by: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ("",)

    def covers(self, path: str) -> bool:
        """Whether a path matches one of the patterns."""
        return any(_pattern(part).fullmatch(path) for part in self.parts)

    def is_open(self, available: Collection[str]) -> bool:
        """Whether what is given leaves the field unproven."""
        return not self.shown_by or not self.shown_by <= set(available)


def unverifiable_fields(kind: Any, path: str = "") -> Iterator[tuple[str, Unverifiable]]:
    """The marks on a record and on all records below it, each with the pattern of its path."""
    origin, arguments = get_origin(kind), get_args(kind)
    dotted = f"{path}." if path else ""
    if origin is Annotated:
        yield from ((path, mark) for mark in arguments[1:] if isinstance(mark, Unverifiable))
        yield from unverifiable_fields(arguments[0], path)
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield from ((f"{dotted}{name}", mark) for mark in field.metadata if isinstance(mark, Unverifiable))
            yield from unverifiable_fields(field.annotation, f"{dotted}{name}")
    elif is_dataclass(kind):
        for name, below in get_type_hints(kind, include_extras=True).items():
            yield from unverifiable_fields(below, f"{dotted}{name}")
    else:
        step = ".*" if origin is dict else "[*]" if origin is tuple else ""
        for below in dict.fromkeys(arguments):
            yield from unverifiable_fields(below, path + step)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A pattern of paths as a regular expression; a key, such as the name of a model, may hold dots and brackets."""
    known = {"[*]": r"\[\d+\]", "**": ".*", ".*": r"\..+?"}
    parts = re.split(r"(\[\*\]|\*\*|\.\*)", pattern)
    return re.compile("".join(known.get(part) or re.escape(part) for part in parts), re.DOTALL)
