"""Draws: everything random in a plan, derived from its key and a public beacon, so that anybody can derive it again."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

DOMAIN = b"auditor/draw/1"
NO_BEACON = b""
"""In place of a beacon for what is drawn before one is known, and for coins of the owner alone. HMAC pads
keys with zeros, so that it is the same as a beacon of 32 zero bytes."""

_WORD = 8
_WORDS = 2 ** (8 * _WORD)


class Draws:
    """Independent draws, one stream for each label and unit.

    Block c of a stream is HMAC-SHA256(key || beacon, DOMAIN || 0 || label || 0 || unit || 0 || c), c in 8 bytes. Each
    block gives four words of 8 bytes, big-endian; an integer below n is the first word below the largest multiple
    of n that 64 bits hold, modulo n. The construction is fixed by `docs/provenance.md`, which has test vectors.

    Args:
        key: 32 secret bytes of one batch.
        beacon: Public randomness that was unknown when the key was committed to; `NO_BEACON` for none.
    """

    def __init__(self, key: bytes, beacon: bytes = NO_BEACON) -> None:
        self._key = key + beacon

    def below(self, label: str, unit: str, n: int) -> int:
        """A uniform integer from 0 to n - 1, the first of its stream."""
        return next(self.stream(label, unit, n))

    def coin(self, unit: str) -> int:
        """A fair coin, 0 or 1."""
        return self.below("coin", unit, 2)

    def stream(self, label: str, unit: str, n: int) -> Iterator[int]:
        """Uniform integers from 0 to n - 1, without end.

        Raises:
            ValueError: n is not from 1 to 2^64, or label or unit hold the separator.
        """
        if not 0 < n <= _WORDS:
            raise ValueError(f"no integer below {n}")
        limit = _WORDS - _WORDS % n
        return (word % n for word in self._words(label, unit) if word < limit)

    def shuffled(self, label: str, unit: str, n: int) -> tuple[int, ...]:
        """A uniform permutation of 0 to n - 1: Fisher and Yates, from the last position down to the second."""
        order = list(range(n))
        words = self._words(label, unit)
        for last in range(n - 1, 0, -1):
            limit = _WORDS - _WORDS % (last + 1)
            other = next(word for word in words if word < limit) % (last + 1)
            order[last], order[other] = order[other], order[last]
        return tuple(order)

    def _words(self, label: str, unit: str) -> Iterator[int]:
        name = DOMAIN + b"\0" + label.encode() + b"\0" + unit.encode() + b"\0"
        if name.count(b"\0") != 3:
            raise ValueError("a label or a unit holds a NUL character")
        number = 0
        while True:
            block = hmac.digest(self._key, name + number.to_bytes(8, "big"), hashlib.sha256)
            for start in range(0, len(block), _WORD):
                yield int.from_bytes(block[start : start + _WORD], "big")
            number += 1
