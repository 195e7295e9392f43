"""Words for texts that mean nothing. Figures and thresholds of tests hang on them, so there is more than one list."""

from __future__ import annotations

WORDS = "the quick brown fox jumps over lazy dog while seven wizards mix boxes of liquid jugs nobody remembers".split()
TOWN = "the quick brown fox jumps over the lazy dog while seven wizards mix boxes of liquid jugs in town".split()
OLD_TOWN = (
    "the quick brown fox jumps over lazy dog while seven wizards mix boxes of liquid jugs and in old town".split()
)
