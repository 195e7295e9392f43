"""Opening a batch of a plan: everything that is known before a model is, and every refusal that needs none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.core.files import read_bytes
from auditor.provenance.beacon import BeaconValue, check_signature, require_round, round_time
from auditor.provenance.commitment import canonical, require_opening, unit_salt
from auditor.provenance.deal import coin_draws, deal, tie_order
from auditor.provenance.draws import NO_BEACON
from auditor.provenance.folder import PUBLICITY, STAMP, STAMP_ROOT, PlanFolder, Publicity
from auditor.provenance.merkle import leaf
from auditor.provenance.records import BatchCommitment, BatchSecret, Commitment, Unit
from auditor.provenance.stamp import check_stamp
from auditor.results.dealt.coins import BeaconFacts, CoinFacts, StampFacts
from auditor.results.dealt.measurements import UnitFacts
from auditor.results.models import ModelIdentity


@dataclass(frozen=True, slots=True)
class PublicFiles:
    """What of a plan is public, as it lies in the folder or in a bundle.

    Attributes:
        commitment: The commitment.
        written: Its bytes, which are time-stamped.
        beacon: The round that its coins follow from; None where they are the owner's alone.
        stamp: The answer of a time-stamping authority; None without one.
        stamp_root: Certificates (PEM) that the authority's leads to; None without any.
        address: Where the owner says the commitment was public; empty where nowhere.
    """

    commitment: Commitment
    written: bytes
    beacon: BeaconValue | None
    stamp: bytes | None
    stamp_root: bytes | None
    address: str

    @classmethod
    def of(cls, folder: PlanFolder) -> PublicFiles:
        """Read them from the folder of a plan; raises UsageError where one cannot be read."""
        public = folder.read_or_none(PUBLICITY, Publicity)
        return cls(
            folder.commitment,
            folder.commitment_bytes,
            folder.beacon,
            _optional(folder.path / STAMP),
            _optional(folder.path / STAMP_ROOT),
            "" if public is None else public.address,
        )

    def facts(self) -> CoinFacts:
        """What they show of the coins.

        Raises:
            UsageError: The commitment is not canonical, the beacon is not that of the commitment, its signature or the
                time stamp does not hold, or a library that reads the time stamp is not installed.
        """
        if self.written != canonical(self.commitment):
            raise UsageError("the commitment is not written as canonical JSON", hint="Take it from a backup.")
        return CoinFacts(beacon=self._beacon(), stamp=self._stamp(), address=self.address)

    def _beacon(self) -> BeaconFacts | None:
        committed, value = self.commitment.beacon, self.beacon
        if committed is None:
            if value is not None:
                raise UsageError("the plan holds a beacon, and the commitment names none")
            return None
        if value is None:
            raise UsageError(
                f"the commitment names round {committed.round:,} of the beacon, and the plan holds none",
                hint="Deal the coins first: auditor plant PLAN --coins --beacon FILE.",
            )
        require_round(value, committed)
        return BeaconFacts(
            chain=committed.chain,
            round=value.round,
            time=iso(round_time(value.round)),
            randomness=value.randomness,
            signature=value.signature,
            checked=check_signature(value),
        )

    def _stamp(self) -> StampFacts | None:
        if self.stamp is None:
            return None
        stamp = check_stamp(self.stamp, self.written, self.stamp_root)
        return StampFacts(
            time=iso(stamp.time),
            authority=stamp.authority,
            checked=stamp.checked,
            root=stamp.root,
            root_sha256=stamp.root_sha256,
        )


@dataclass(frozen=True, slots=True)
class OpenedBatch:
    """One batch of a plan, opened and checked against the commitment.

    Attributes:
        public: What is public of the plan.
        batch: The commitment to the batch.
        units: Its units, with all their candidates.
        published: For each unit the index of the published candidate; of a hold-out 1 or 0.
        facts: For each unit what a result shows of it.
        unit_order: A number for each unit, drawn apart from the coins.
        coins: What the public files show of the coins.
    """

    public: PublicFiles
    batch: BatchCommitment
    units: tuple[Unit, ...]
    published: tuple[int, ...]
    facts: tuple[UnitFacts, ...]
    unit_order: tuple[int, ...]
    coins: CoinFacts

    @property
    def commitment(self) -> Commitment:
        """The commitment."""
        return self.public.commitment

    @property
    def contexts(self) -> dict[str, str]:
        """Text before each candidate that is scored in a context; candidates without one are scored alone."""
        if self.commitment.design != "identifiers":
            return {}
        return {text: unit.sites[0].before for unit in self.units for text in unit.candidates}

    @property
    def texts(self) -> tuple[str, ...]:
        """Every candidate once, in an order that no coin decides."""
        return tuple(sorted({text for unit in self.units for text in unit.candidates}))


def open_batch(public: PublicFiles, number: int, units: Sequence[Unit], secret: BatchSecret) -> OpenedBatch:
    """Check the opening of a batch, and derive its coins.

    Args:
        public: What is public of the plan.
        number: Number of the batch.
        units: Its units.
        secret: Its key and salt.

    Raises:
        OpeningError: Units or key are not those that were committed to.
        UsageError: There is no such batch; or as of `PublicFiles.facts`.
    """
    commitment = public.commitment
    batch = committed_batch(commitment, number)
    coins = public.facts()
    require_opening(commitment, batch, units, secret)
    key = bytes.fromhex(secret.key)
    randomness = NO_BEACON if public.beacon is None else bytes.fromhex(public.beacon.randomness)
    draws = coin_draws(commitment, key, randomness)
    published = deal(commitment, units, draws)
    facts = tuple(
        UnitFacts(
            id=unit.id,
            kind=unit.kind,
            leaf=leaf(unit_salt(key, index), canonical(unit)).hex(),
            published=published[index],
            tie_order=order,
        )
        for index, (unit, order) in enumerate(zip(units, tie_order(draws, units), strict=True))
    )
    order = draws.shuffled("order", f"batch {number}", len(units))
    return OpenedBatch(public, batch, tuple(units), published, facts, order, coins)


def open_plan(plan: str, number: int, public: PublicFiles | None = None) -> OpenedBatch:
    """Open a batch of a plan folder; errors as of `open_batch`, and where a file is missing or not whole.

    Args:
        plan: The folder.
        number: Number of the batch.
        public: What is public of it; None for all that lies in the folder.
    """
    folder = require_dealt(plan, number)
    public = PublicFiles.of(folder) if public is None else public
    return open_batch(public, number, folder.units(number), folder.secret(number))


def require_dealt(plan: str, number: int) -> PlanFolder:
    """The folder of a plan with a batch whose coins were dealt, by its public files alone.

    Raises:
        UsageError: It is no plan, has no such batch, or was not dealt.
    """
    folder = PlanFolder(Path(plan))
    commitment = folder.commitment
    if commitment.design in ("file-order", "identifiers"):
        raise UsageError(f"{plan}: no plan has the design {commitment.design!r}, which has no coins")
    committed_batch(commitment, number)
    if not folder.is_dealt:
        raise UsageError(
            f"{plan}: the coins of this plan were not dealt yet, so nothing was published",
            hint="Deal them first: auditor plant PLAN --coins.",
        )
    return folder


def committed_batch(commitment: Commitment, number: int) -> BatchCommitment:
    """The commitment to a batch.

    Raises:
        UsageError: There is none of this number.
    """
    for batch in commitment.batches:
        if batch.id == number:
            return batch
    known = ", ".join(str(batch.id) for batch in commitment.batches)
    raise UsageError(f"the plan has no batch {number}", hint=f"It has: {known}.")


def opened_for(model: ModelIdentity) -> str:
    """How the list of opened batches names a model: its weights, wherever they lie."""
    return f"weights {model.weights_sha256}"


def iso(moment: datetime) -> str:
    """A moment in UTC, as results write it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _optional(path: Path) -> bytes | None:
    return read_bytes(path) if path.is_file() else None
