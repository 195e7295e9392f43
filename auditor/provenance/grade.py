"""Who made the coins, or what stands in their place, and what the p-value pays for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Grade = Literal["beacon-public", "beacon-stamped", "owner-stamped", "owner-alone", "file-order", "known-law"]


@dataclass(frozen=True, slots=True)
class CoinGrade:
    """How far the owner could have chosen a lucky deal.

    Attributes:
        name: Its name in results.
        bits: g: the p-value is multiplied by 2^g, for 2^g deals that the owner could have tried in secret.
        class_a: Whether the deal counts as the auditor's own randomisation.
        sentence: It, in plain words.
    """

    name: Grade
    bits: int
    class_a: bool
    sentence: str


GRADES: dict[Grade, CoinGrade] = {
    grade.name: grade
    for grade in (
        CoinGrade(
            "beacon-public",
            0,
            True,
            "The coins follow from public randomness that did not exist when the commitment was time-stamped. If the "
            "commitment was public then, as the owner says and names where, nobody could choose among several, and the "
            "p-value stands as it is.",
        ),
        CoinGrade(
            "beacon-stamped",
            20,
            True,
            "The coins follow from public randomness that did not exist when the commitment was time-stamped. A "
            "private time stamp does not show how many plans were stamped, so the p-value is multiplied by 2^20, for a "
            "million plans of which one is shown.",
        ),
        CoinGrade(
            "owner-stamped",
            40,
            True,
            "Nothing shows that the owner could not choose the coins before the time stamp. Whoever can choose tries "
            "many in secret and keeps a lucky deal, so the p-value is multiplied by 2^40, for a trillion deals tried.",
        ),
        CoinGrade(
            "owner-alone",
            40,
            False,
            "Nothing shows that the owner could not choose the coins, nor that they were made before the model: that "
            "they were is the owner's word. The p-value is multiplied by 2^40, for a trillion deals tried in secret, "
            "and the result is no class A.",
        ),
        CoinGrade(
            "file-order",
            0,
            False,
            "There were no coins: the publisher is said to have shuffled the rows, and nobody committed to an order. "
            "Nothing is paid, as nobody made coins that could have been tried in secret.",
        ),
        CoinGrade(
            "known-law",
            0,
            True,
            "There were no coins: the law of the identifiers is known, as whatever made them draws every value alike, "
            "and nobody committed to anything before publication. It is class A by nature (not committed).",
        ),
    )
}

BEFORE_ROUND = timedelta(hours=1)
"""How long before the beacon round the commitment has to be time-stamped."""


def coin_grade(*, beacon: datetime | None, stamped: datetime | None, public: bool) -> CoinGrade:
    """The grade of a deal.

    Args:
        beacon: When the beacon round happened; None where the coins are the owner's alone.
        stamped: The verified time of the commitment; None without one.
        public: Whether the owner names where the commitment was public before the round.
    """
    if beacon is not None and stamped is not None and stamped + BEFORE_ROUND <= beacon:
        return GRADES["beacon-public" if public else "beacon-stamped"]
    return GRADES["owner-stamped" if stamped is not None else "owner-alone"]
