"""Whether two sides differ in their encoding, which `--normalise` takes away on both alike."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.inference.uneven import uneven_p
from auditor.results.encoding import EncodingCounts

_ALPHA = 0.001
"""Level over all traits together. Nothing is refused by it: it keeps chance out of a sentence."""
_LEAST_DIFFERENCE = 0.25
"""Smallest difference between the shares of the sides that is named."""

_PHRASES = {
    "line_ends": "line ends other than line feeds",
    "byte_order_marks": "byte order marks",
    "spaces": "no-break or typographic spaces",
    "zero_width": "zero-width characters",
    "soft_hyphens": "soft hyphens",
    "not_composed": "characters that are not in Unicode form NFC",
}


@dataclass(frozen=True, slots=True)
class EncodingDifference:
    """A trait of encoding that one side has far more often.

    Attributes:
        phrase: The trait in words.
        groups: Suspect and held-out groups that have it.
        of: All suspect and held-out groups.
    """

    phrase: str
    groups: tuple[int, int]
    of: tuple[int, int]

    @property
    def sentence(self) -> str:
        """How many groups of each side have it."""
        (ours, theirs), (suspect, heldout) = self.groups, self.of
        return f"{ours:,} of {suspect:,} suspect and {theirs:,} of {heldout:,} held-out groups have {self.phrase}"


def encoding_differences(counts: EncodingCounts, groups: tuple[int, int]) -> tuple[EncodingDifference, ...]:
    """The traits of encoding in which two sides differ clearly.

    Null: a trait is as frequent in the groups of both sides. Unit: the group. Assumption: groups are independent.
    Source: Fisher's exact test, two-sided, at 0.001 over all traits (Bonferroni); and the shares must differ by 0.25.

    Args:
        counts: Groups that have each trait.
        groups: All suspect and held-out groups.
    """
    found = []
    for name, phrase in _PHRASES.items():
        having: tuple[int, int] = getattr(counts, name)
        ours, theirs = (count / max(1, total) for count, total in zip(having, groups, strict=True))
        if abs(ours - theirs) >= _LEAST_DIFFERENCE and uneven_p(having, groups) <= _ALPHA / len(_PHRASES):
            found.append(EncodingDifference(phrase, having, groups))
    return tuple(found)
