"""Transforms of the words of a text. Words are separated by white space; a text without any is one word."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from auditor.signals.views import Prompt, Transform

DROP_SHARE = 0.15
FEW_WORDS = 8


def _split(text: str) -> tuple[list[str], list[str]]:
    """Words, and the white space before, between and after them (one more entry than words)."""
    pieces = re.split(r"(\S+)", text)
    return pieces[1::2], pieces[0::2]


def _join(words: list[str], gaps: list[str]) -> str:
    return gaps[0] + "".join(word + gap for word, gap in zip(words, gaps[1:], strict=True))


def _drop(text: str, rng: np.random.Generator) -> Prompt:
    """Drop each word with probability `DROP_SHARE`; of two or more words at least one goes and at least one stays.

    The white space around a dropped word shrinks to its strongest part (most line breaks, then longest), so that
    paragraphs stay apart and no double space appears. White space at either end of the text is kept.
    """
    words, gaps = _split(text)
    if len(words) < 2:
        return Prompt(text)
    dropped = rng.random(len(words)) < DROP_SHARE
    chosen = int(rng.integers(len(words)))
    if dropped.all() or not dropped.any():
        dropped[chosen] = not dropped[chosen]
    remaining = np.flatnonzero(~dropped).tolist()
    inner = [
        max(gaps[left + 1 : right + 1], key=lambda gap: (gap.count("\n"), len(gap)))
        for left, right in pairwise(remaining)
    ]
    return Prompt(_join([words[index] for index in remaining], [gaps[0], *inner, gaps[-1]]))


def _shuffle(text: str, rng: np.random.Generator) -> Prompt:
    """The words in random order; the white space stays in place.

    A text of fewer than eight words, as of any script without spaces, has its characters shuffled instead.
    """
    words, gaps = _split(text)
    if len(words) < FEW_WORDS:
        return Prompt("".join(text[index] for index in rng.permutation(len(text)).tolist()))
    return Prompt(_join([words[index] for index in rng.permutation(len(words)).tolist()], gaps))


WORD_DROP = Transform("word-drop", f"the text with each word left out with probability {DROP_SHARE}", _drop)
SHUFFLED = Transform("shuffled-words", "the words of the text in random order", _shuffle)
