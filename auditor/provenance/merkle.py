"""Merkle trees of units: one digest commits to all candidates, and one unit is shown without showing another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_LEAF, _NODE = b"\x00", b"\x01"


def leaf(salt: bytes, content: bytes) -> bytes:
    """The digest of one unit: SHA-256(0x00 || salt || content). The salt hides contents that could be guessed."""
    return hashlib.sha256(_LEAF + salt + content).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves in their order (RFC 6962, section 2.1): SHA-256(0x01 || left || right) at every node.

    The left part of n leaves is the largest power of two below n.

    Raises:
        ValueError: There is no leaf.
    """
    if not leaves:
        raise ValueError("a tree without leaves")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(_NODE + root(leaves[:split]) + root(leaves[split:])).digest()
