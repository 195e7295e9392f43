"""One seed for an audit, one independent stream of random numbers for each purpose."""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A generator that depends on the seed and the purpose alone.

    Adding a guard or a figure must not shift the numbers another one draws, so no stream is shared.
    """
    digest = hashlib.sha256(purpose.encode("utf-8")).digest()
    words = np.frombuffer(digest[:16], dtype=np.uint32)
    return np.random.default_rng([seed, *(int(word) for word in words)])
