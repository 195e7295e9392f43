"""Small plans for tests: units, secrets and commitments of every design."""

from __future__ import annotations

import hashlib

from auditor.provenance.commitment import commit_batch
from auditor.provenance.records import (
    BatchSecret,
    BeaconRound,
    Commitment,
    DesignName,
    Statistic,
    TestRule,
    Unit,
)

_STATISTICS: dict[DesignName, Statistic] = {"holdout": "dealt-holdout", "twins": "signed-rank"}


def secret_of(seed: int, number: int = 1) -> BatchSecret:
    """Keys that a test can foresee."""
    key, salt = (hashlib.sha256(f"{seed} {number} {name}".encode()).hexdigest() for name in ("key", "salt"))
    return BatchSecret(id=number, key=key, salt=salt)


def units_of(design: DesignName, count: int, candidates: int) -> tuple[Unit, ...]:
    """Units whose candidates are short texts."""
    return tuple(
        Unit(
            id=f"unit-{number}",
            kind="words",
            sites=(),
            candidates=tuple(f"text {number} {candidate} é" for candidate in range(candidates)),
        )
        for number in range(count)
    )


def commitment_of(
    design: DesignName,
    batches: list[tuple[tuple[Unit, ...], BatchSecret]],
    *,
    beacon: int | None = None,
    share: float = 0.2,
    reference: bool = False,
) -> Commitment:
    """The commitment to some batches."""
    return Commitment(
        made_by="auditor test",
        design=design,
        kind="words",
        units=sum(len(units) for units, _ in batches),
        candidates=len(batches[0][0][0].candidates),
        copies=1,
        withheld_share=share if design == "holdout" else None,
        batches=tuple(commit_batch(secret.id, units, secret) for units, secret in batches),
        test=TestRule(
            score="logprob-mean",
            statistic=_STATISTICS.get(design, "rank-sum"),
            reference=reference,
            alpha=0.01,
        ),
        corpus="0" * 64,
        beacon=None if beacon is None else BeaconRound(round=beacon),
    )
