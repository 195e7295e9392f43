"""IdentifierKind: strings whose law is known, how to find them, and how to draw others of the same law."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import auditor.dealt.identifiers.kinds
from auditor.core.registry import discover

Nibbles = tuple[int, ...]
"""The random part of an identifier as numbers from 0 to 15."""


@dataclass(frozen=True, slots=True)
class IdentifierKind:
    """Strings with a part that is uniform over all values, given the rest.

    Attributes:
        name: What it is, as reports call it.
        order: Kinds with a smaller number are looked for first, and take the characters they match.
        pattern: Matches one in a text. Neither the character before nor the one after belongs to a longer word.
        payload: Hexadecimal digits of a match, lower case: all that is random, in a fixed order.
        free: Whether each digit of the payload is random; the others are part of the format.
        write: A string like a match, with its form and case, of another payload.
        refuse: Why a match is not of this law; empty where it is.
    """

    name: str
    order: int
    pattern: re.Pattern[str] = field(repr=False)
    payload: Callable[[str], str] = field(repr=False)
    write: Callable[[str, str], str] = field(repr=False)
    free: Callable[[str], tuple[bool, ...]] = field(repr=False)
    refuse: Callable[[str], str] = field(repr=False, default=lambda value: "")


def all_kinds() -> tuple[IdentifierKind, ...]:
    """The kinds by their order."""
    return tuple(sorted(discover(auditor.dealt.identifiers.kinds, IdentifierKind), key=lambda kind: kind.order))


def word(pattern: str) -> re.Pattern[str]:
    """A pattern that stands alone, not inside a longer run of letters and digits."""
    return re.compile(rf"(?<![0-9A-Za-z]){pattern}(?![0-9A-Za-z])")


def all_free(payload: str) -> tuple[bool, ...]:
    """Every digit is random."""
    return (True,) * len(payload)


def in_case_of(value: str, payload: str) -> str:
    """Hexadecimal digits in capitals where those of a value are."""
    return payload.upper() if value.upper() == value and value.lower() != value else payload


def one_case(value: str) -> str:
    """A refusal of digits in mixed case, which no usual program writes."""
    return "" if value in (value.lower(), value.upper()) else "mixed case"
