"""The deal: which candidate of each unit is published. It follows from key, beacon and commitment alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from auditor.core.errors import UsageError
from auditor.provenance.commitment import commitment_sha256
from auditor.provenance.draws import NO_BEACON, Draws
from auditor.provenance.records import Commitment, Unit

PUBLISHED, WITHHELD = 1, 0
"""What the deal of a hold-out says of a document."""


def coin_draws(commitment: Commitment, key: bytes, randomness: bytes = NO_BEACON) -> Draws:
    """The draws that coins are dealt with: of key and SHA-256(randomness || SHA-256(commitment)).

    Bound to the commitment, any other candidate, order of units or note re-deals every coin: an owner without a beacon
    cannot put the candidate that a model likes where the coin falls, and each attempt at a lucky deal is one of those
    that the surcharge counts.

    Args:
        commitment: The commitment. Of what nobody planned, nothing is bound: there a true candidate takes the part of
            the coin.
        key: Key of the batch.
        randomness: Of the beacon; `NO_BEACON` where there is none.
    """
    if commitment.design in ("file-order", "identifiers"):
        return Draws(key)
    bound = hashlib.sha256(randomness + bytes.fromhex(commitment_sha256(commitment))).digest()
    return Draws(key, bound)


def deal(commitment: Commitment, units: Sequence[Unit], draws: Draws) -> tuple[int, ...]:
    """Deal a batch.

    Args:
        commitment: The design.
        units: All units of the batch.
        draws: As `coin_draws` gives them.

    Returns:
        For each unit the index of its published candidate; of a hold-out `PUBLISHED` or `WITHHELD`: of n
        documents, n times the withheld share, rounded half to even, but at least one and at most n - 1.
    """
    if commitment.design == "twins":
        return tuple(draws.coin(unit.id) for unit in units)
    if commitment.design != "holdout":
        return tuple(draws.below("choice", unit.id, len(unit.candidates)) for unit in units)
    order = draws.shuffled("holdout", "documents", len(units))
    withheld = set(order[: n_withheld(len(units), commitment.withheld_share or 0.0)])
    return tuple(WITHHELD if index in withheld else PUBLISHED for index in range(len(units)))


def is_published(design: str, candidate: int, dealt: int) -> bool:
    """Whether a candidate of a unit was published, by its index and the deal of its unit."""
    return dealt == PUBLISHED if design == "holdout" else dealt == candidate


def n_withheld(documents: int, share: float) -> int:
    """How many documents of a batch stay unpublished.

    Raises:
        UsageError: There are fewer than two documents.
    """
    if documents < 2:
        raise UsageError("a hold-out needs at least two documents a batch", hint="Give more documents.")
    return min(documents - 1, max(1, round(documents * share)))


def tie_order(draws: Draws, units: Sequence[Unit]) -> list[tuple[int, ...]]:
    """For each unit an order of its candidates that decides between equal scores, drawn apart from the deal."""
    return [draws.shuffled("tie", unit.id, len(unit.candidates)) for unit in units]
