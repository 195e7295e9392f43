"""Who made the coins of a deal, and what shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Record

CoinGradeName = Literal["beacon-public", "beacon-stamped", "owner-stamped", "owner-alone", "file-order", "known-law"]
"""Public randomness after a public commitment; after one that was time-stamped in private; coins of the owner before a
time stamp; coins of the owner without one. Without coins: the order of a file that is said to be shuffled; identifiers
of which the law is known."""

Checked = Literal["verified", "not verified here"]


_PUBLIC = Unverifiable(
    "time stamp and publication of the commitment (--plan PLAN shows what the plan has of them, or a bundle)",
    frozenset({"public"}),
    ("**",),
)


class BeaconFacts(Record):
    """The round of public randomness that the coins follow from."""

    chain: str
    round: Count
    time: str
    """When it was published (UTC, ISO 8601)."""

    randomness: str
    signature: str
    checked: Checked
    """Whether the signature of the network was verified."""


class StampFacts(Record):
    """The time stamp of the commitment (RFC 3161)."""

    time: str
    """When its authority saw the digest (UTC, ISO 8601)."""

    authority: str
    checked: Checked
    """Whether its signature was verified up to the root certificate in the plan; no other counts."""

    root: str = ""
    """Subject of the root certificate that came with the plan; whether to trust it is for the reader."""

    root_sha256: str = ""
    """SHA-256 of that certificate (DER), in hexadecimal."""


class CoinFacts(Record):
    """What is known of the coins without their key."""

    beacon: BeaconFacts | None
    """None where the owner made the coins alone."""

    stamp: Annotated[StampFacts | None, _PUBLIC]
    """None without a time stamp."""

    address: Annotated[str, replace(_PUBLIC, parts=("",))]
    """Where the owner says the commitment was public before the round; empty where nowhere."""


class Coins(CoinFacts):
    """Who made the coins, and what the p-value pays for it."""

    grade: CoinGradeName
    bits: Count
    """g: the p-value is multiplied by 2^g."""

    class_a: bool
    """Whether the deal counts as the auditor's own randomisation."""

    sentence: str
    """The grade in plain words."""
