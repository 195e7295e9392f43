"""Texts as sets of hashed word or character n-grams."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

# In scripts written without spaces (Thai to Myanmar, Khmer, kana, ideographs) a character counts as a word; elsewhere a
# word is a run of letters and digits, so that quotes and dashes set differently do not matter.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def normalised(text: str) -> str:
    """NFKC, case folded, white space collapsed: texts equal in this form read the same."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def words(text: str) -> list[str]:
    """The words of a normalised text, without punctuation."""
    return _WORD.findall(text)


class Shingler:
    """Hashes n-grams of items (words or characters) to 64 bits; equal n-grams get equal hashes within one instance.

    The chance that any two of m different n-grams collide is about m^2 / 2^65: 1e-6 for six million.

    Args:
        rng: Source of the random value each item is hashed with, so that no text can be built to collide.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._numbers: dict[str, int] = {}
        self._values: Hashes = np.empty(0, dtype=np.uint64)

    def shingles(self, items: Sequence[str], n: int) -> Hashes:
        """The distinct hashes of all runs of `n` items, sorted, shape (at most len(items) - n + 1,).

        Empty where there are fewer than `n` items.
        """
        if len(items) < n:
            return np.empty(0, dtype=np.uint64)
        number = self._numbers
        values = self._random(
            np.fromiter((number.setdefault(item, len(number)) for item in items), np.int64, len(items))
        )
        count = len(items) - n + 1
        hashes = np.zeros(count, dtype=np.uint64)
        for k in range(n):
            hashes = hashes * _MULTIPLIER + values[k : k + count]
        return np.unique(hashes)

    def _random(self, numbers: npt.NDArray[np.int64]) -> Hashes:
        lacking = len(self._numbers) - len(self._values)
        if lacking > 0:
            more = self._rng.integers(0, 2**64, size=max(lacking, len(self._values), 1024), dtype=np.uint64)
            self._values = np.concatenate([self._values, more])
        return self._values[numbers]
