"""Transforms of the text as a whole: itself, lower-cased, after itself."""

from __future__ import annotations

import numpy as np

from auditor.signals.views import Prompt, Transform


def _as_is(text: str, rng: np.random.Generator) -> Prompt:
    del rng
    return Prompt(text)


def _lowercase(text: str, rng: np.random.Generator) -> Prompt:
    """Lower-case character by character.

    `str.lower` may lengthen a text (a dotted capital I becomes two characters); such characters stay as they are,
    so that character offsets mean the same position in both texts.
    """
    del rng
    lowered = text.lower()
    if len(lowered) == len(text):
        return Prompt(lowered)
    return Prompt("".join(low if len(low := character.lower()) == 1 else character for character in text))


def _repeat(text: str, rng: np.random.Generator) -> Prompt:
    del rng
    return Prompt(text, prefix=text)


AS_IS = Transform("as-is", "the text as it is", _as_is)
LOWERCASE = Transform("lowercase", "the text in lower case, every character in its place", _lowercase)
REPEAT = Transform("repeat", "the text after itself; only the second copy is scored", _repeat)
