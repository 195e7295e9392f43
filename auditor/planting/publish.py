"""The second step: coins, and the published copy that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from auditor.core.digests import text_sha256
from auditor.core.errors import UsageError
from auditor.core.files import read_bytes, write_files
from auditor.core.registry import pick
from auditor.planting.design import designs
from auditor.planting.documents import numbered
from auditor.planting.make import require_new
from auditor.provenance.beacon import (
    BeaconChecked,
    BeaconValue,
    check_signature,
    read_beacon,
    round_address,
    round_time,
)
from auditor.provenance.commitment import commit_corpus, require_opening
from auditor.provenance.deal import coin_draws, deal
from auditor.provenance.draws import NO_BEACON, Draws
from auditor.provenance.folder import BEACON, PUBLICITY, RESTORATION, STAMP, STAMP_ROOT, PlanFolder, Publicity
from auditor.provenance.grade import BEFORE_ROUND, CoinGrade, coin_grade
from auditor.provenance.records import Commitment, Unit
from auditor.provenance.stamp import Stamp, read_stamp
from auditor.splicing.restore import Restoration
from auditor.splicing.source import SourceCorpus


@dataclass(frozen=True, slots=True)
class Published:
    """A published copy.

    Attributes:
        to: Where it lies.
        grade: Of the coins, as far as the plan shows now.
        beacon: Whether the signature of the beacon was verified; None without a beacon.
        withheld: Documents that are not in it.
        changed: Documents that differ from the corpus.
    """

    to: Path
    grade: CoinGrade
    beacon: BeaconChecked | None
    withheld: int
    changed: int


def add_stamp(folder: PlanFolder, token: Path, root: Path | None) -> Stamp:
    """Put the answer of a time-stamping authority, and the root that it leads to, into a plan.

    Args:
        folder: The plan.
        token: The answer.
        root: The root certificate; that in the plan where it is None.

    Raises:
        UsageError: It is not about this commitment, does not lead to the root, or says less than the stamp that is
            there.
    """
    own = folder.path / STAMP_ROOT
    used = root if root is not None or not own.is_file() else own
    stamp, before = read_stamp(token, folder.commitment_bytes, root=used), stamp_of(folder)
    if before is not None and before.checked == "verified" and (stamp.checked, before.time) < ("verified", stamp.time):
        raise UsageError(
            f"the plan has a verified time stamp of {before.time:%Y-%m-%d %H:%M:%S} UTC, and this one says less",
            hint="Keep the one that is there.",
        )
    files = {folder.path / STAMP: read_bytes(token)}
    if used is not None:
        files[own] = read_bytes(used)
    write_files(files)
    return stamp


def stamp_of(folder: PlanFolder) -> Stamp | None:
    """The time stamp of a plan; None where it has none; raises UsageError where it does not hold."""
    token, root = folder.path / STAMP, folder.path / STAMP_ROOT
    if not token.is_file():
        return None
    return read_stamp(token, folder.commitment_bytes, root=root if root.is_file() else None)


def publish(
    folder: PlanFolder, *, beacon: Path | None = None, public: str | None = None, now: datetime | None = None
) -> Published:
    """Deal the coins and write the published copy.

    A run that was killed is made up for by the next: the coins are the same, and the copy appears whole or not at all.

    Args:
        folder: The plan.
        beacon: What drand gave for the committed round; None where the coins are the owner's alone.
        public: Where the commitment was public before the round, by the owner's account.
        now: The time, by default that of the machine.

    Raises:
        UsageError: The plan was dealt before, the beacon is not the committed one, or the corpus has changed.
        RunError: The file system refuses.
    """
    commitment, _ = folder.commitment, folder.commitment_bytes
    with folder.held():
        origin = folder.origin
        to = folder.located(origin.to)
        if folder.is_dealt and to.exists():
            raise UsageError(
                f"{folder.path}: its coins were dealt and its copy was written already",
                hint="Coins are dealt once; another deal needs another plan.",
            )
        value, checked = _beacon(commitment, beacon, now or datetime.now(UTC))
        _require_address(commitment, public)
        stamp = stamp_of(folder)
        _require_in_time(stamp, value)
        require_new(to)
        corpus = SourceCorpus.open(folder.located(origin.corpus), text_column=origin.text_column)
        dealt = deal_all(folder, commitment, value)
        keys = [bytes.fromhex(folder.secret(batch.id).key) for batch in commitment.batches]
        _require_unchanged(corpus, commitment, keys[0], dealt)
        design = pick(commitment.design, dict(designs()), what="design")
        publication = design.publish(corpus, dealt, list(map(Draws, keys)))

        def note(restoration: Restoration) -> None:
            if value is not None:
                folder.write(BEACON, value)
            if public is not None:
                folder.write(PUBLICITY, Publicity(address=public))
            folder.write(RESTORATION, restoration, private=True)

        corpus.publish(
            to, changes=publication.changes, withheld=publication.withheld, order=publication.order, record=note
        )
    grade = coin_grade(
        beacon=round_time(value.round) if value is not None and checked == "verified" else None,
        stamped=None if stamp is None or stamp.checked != "verified" else stamp.time,
        public=public is not None,
    )
    moved = 0 if publication.order is None else sum(row != index for index, row in enumerate(publication.order))
    return Published(to, grade, checked, len(publication.withheld), len(publication.changes) + moved)


def deal_all(folder: PlanFolder, commitment: Commitment, value: BeaconValue | None) -> list[list[tuple[Unit, int]]]:
    """Each unit of each batch with its deal.

    Raises:
        UsageError: A batch is not what was committed to.
    """
    randomness = NO_BEACON if value is None else bytes.fromhex(value.randomness)
    batches = []
    for batch in commitment.batches:
        units, secret = folder.units(batch.id), folder.secret(batch.id)
        require_opening(commitment, batch, units, secret)
        coins = deal(commitment, units, coin_draws(commitment, bytes.fromhex(secret.key), randomness))
        batches.append(list(zip(units, coins, strict=True)))
    return batches


def _beacon(
    commitment: Commitment, path: Path | None, now: datetime
) -> tuple[BeaconValue | None, BeaconChecked | None]:
    """The round and whether its signature was verified; None twice where the coins are the owner's alone."""
    committed = commitment.beacon
    if committed is None:
        if path is not None:
            raise UsageError(
                "the commitment names no beacon: its coins are the owner's alone", hint="Leave --beacon out."
            )
        return None, None
    moment = f"{round_time(committed.round):%Y-%m-%d %H:%M} UTC"
    if path is None:
        raise UsageError(
            f"the coins depend on round {committed.round:,} of drand, which is at {moment}",
            hint=f"After that, save what {round_address(committed.round)} gives, and name the file with --beacon.",
        )
    value = read_beacon(path, committed)
    if round_time(committed.round) > now:
        raise UsageError(
            f"round {committed.round:,} of drand is at {moment}, which is still to come: {path} cannot be of it",
            hint="Wait for it, or set the clock of this machine.",
        )
    return value, check_signature(value)


def _require_address(commitment: Commitment, public: str | None) -> None:
    if public is None:
        return
    if not public.strip():
        raise UsageError("--public names no place", hint="Say where the commitment was public, or leave it out.")
    if commitment.beacon is None:
        raise UsageError("--public is about a beacon, and the plan has none", hint="Leave it out.")


def _require_in_time(stamp: Stamp | None, value: BeaconValue | None) -> None:
    if value is not None and stamp is not None and stamp.time + BEFORE_ROUND > round_time(value.round):
        raise UsageError(
            f"the commitment was time-stamped at {stamp.time:%Y-%m-%d %H:%M} UTC, less than an hour before its beacon "
            f"round at {round_time(value.round):%Y-%m-%d %H:%M} UTC: its coins could have been known",
            hint="Make a new plan, and have it stamped earlier.",
        )


def _require_unchanged(
    corpus: SourceCorpus, commitment: Commitment, key: bytes, dealt: list[list[tuple[Unit, int]]]
) -> None:
    if commit_corpus(key, corpus.sha256) == commitment.corpus:
        return
    known = numbered(corpus)
    for batch in dealt:
        for unit, _ in batch:
            for site in unit.sites:
                number = known.get((site.file, site.document))
                if number is None or text_sha256(corpus.documents[number].text) != site.sha256:
                    raise UsageError(
                        f"{site.file}: document {site.document + 1} has changed since the commitment",
                        hint="Bring the corpus back to what it was, or make a new plan.",
                    )
    raise UsageError(
        "the corpus has changed since the commitment: files were added, removed or changed",
        hint="Bring the corpus back to what it was, or make a new plan.",
    )
