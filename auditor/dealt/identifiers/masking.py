"""Masking of every other occurrence of an identifier in its context, in whatever form: a model would copy it."""

from __future__ import annotations

import base64
from collections.abc import Iterable

MASK = "[...]"
_GRAM = 7
"""Characters in a row that give an identifier away; git abbreviates to seven."""
_LETTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/")


def mask_copies(context: str, payload: str) -> str:
    """A context without any part of an identifier.

    Looked for are seven characters in a row of its hexadecimal digits in either case, or of its bytes in base 64 or
    base 32, whatever separators stand between them, such as the colons of fingerprints and the hyphens of UUIDs.

    Args:
        context: Text before or after the identifier.
        payload: Its hexadecimal digits in lower case.
    """
    plain, grams = _grams(payload)
    at = [index for index, letter in enumerate(context) if letter in _LETTERS]
    letters = "".join(context[index] for index in at)
    lower = letters.lower()
    spans = [
        (at[start], at[start + _GRAM - 1] + 1)
        for start in range(len(letters) - _GRAM + 1)
        if lower[start : start + _GRAM] in plain or letters[start : start + _GRAM] in grams
    ]
    return _masked(context, spans)


def _grams(payload: str) -> tuple[frozenset[str], frozenset[str]]:
    """Runs of seven characters of the forms whose case does not matter, and of those whose case does."""
    raw = bytes.fromhex(payload)
    forms = [payload, base64.b32encode(raw).decode().rstrip("=").lower()]
    exact = [base64.b64encode(raw).decode().rstrip("=")]
    exact.append(exact[0].replace("+", "").replace("/", ""))  # the alphabet of URLs has separators in their place
    return _runs(forms), _runs(exact)


def _runs(forms: Iterable[str]) -> frozenset[str]:
    return frozenset(form[start : start + _GRAM] for form in forms for start in range(len(form) - _GRAM + 1))


def _masked(context: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, end = [], 0
    for start, stop in spans:
        if start >= end:
            pieces += [context[end:start], MASK]
        end = max(end, stop)
    return "".join([*pieces, context[end:]])
