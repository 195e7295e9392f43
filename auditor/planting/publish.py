"""The second step: coins, and the published copy that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.core.registry import pick
from auditor.planting.design import designs
from auditor.planting.documents import numbered, text_sha256
from auditor.provenance.beacon import BeaconValue, check_signature, read_beacon, round_address, round_time
from auditor.provenance.commitment import require_opening
from auditor.provenance.deal import deal
from auditor.provenance.draws import NO_BEACON, Draws
from auditor.provenance.folder import (
    BEACON,
    RESTORATION,
    STAMP,
    STAMP_ROOT,
    Origin,
    PlanFolder,
    Publicity,
)
from auditor.provenance.folder import ORIGIN as ORIGIN_FILE
from auditor.provenance.folder import PUBLICITY as PUBLICITY_FILE
from auditor.provenance.grade import BEFORE_ROUND, CoinGrade, coin_grade
from auditor.provenance.records import Commitment, Unit
from auditor.provenance.stamp import Stamp, read_stamp
from auditor.splicing.source import SourceCorpus


@dataclass(frozen=True, slots=True)
class Published:
    """A published copy.

    Attributes:
        to: Where it lies.
        grade: Of the coins, as far as the plan shows now.
        withheld: Documents that are not in it.
        changed: Documents that differ from the corpus.
    """

    to: Path
    grade: CoinGrade
    withheld: int
    changed: int


def add_stamp(folder: PlanFolder, token: Path, root: Path | None) -> Stamp:
    """Put the answer of a time-stamping authority, and the root that it leads to, into a plan.

    Raises:
        UsageError: It is not about this commitment, or does not lead to the root.
    """
    from auditor.core.files import read_bytes, write_files

    stamp = read_stamp(token, folder.commitment_bytes, root=root)
    files = {folder.path / STAMP: read_bytes(token)}
    if root is not None:
        files[folder.path / STAMP_ROOT] = read_bytes(root)
    write_files(files)
    return stamp


def stamp_of(folder: PlanFolder) -> Stamp | None:
    """The time stamp of a plan; None where it has none; raises UsageError where it does not hold."""
    token, root = folder.path / STAMP, folder.path / STAMP_ROOT
    if not token.is_file():
        return None
    return read_stamp(token, folder.commitment_bytes, root=root if root.is_file() else None)


def publish(folder: PlanFolder, *, beacon: Path | None = None, public: str | None = None) -> Published:
    """Deal the coins and write the published copy.

    Args:
        folder: The plan.
        beacon: What drand gave for the committed round; None where the coins are the owner's alone.
        public: Where the commitment was public before the round, by the owner's account.

    Raises:
        UsageError: The plan was dealt before, the beacon is not the committed one, or the corpus has changed.
        RunError: The file system refuses.
    """
    commitment = folder.commitment
    if folder.is_dealt:
        raise UsageError(
            f"{folder.path}: its coins were dealt and its copy was written already",
            hint="Coins are dealt once; another deal needs another plan.",
        )
    value = _beacon(commitment, beacon)
    if public is not None and commitment.beacon is None:
        raise UsageError("--public is about a beacon, and the plan has none", hint="Leave it out.")
    stamp = stamp_of(folder)
    if value is not None and stamp is not None and stamp.time + BEFORE_ROUND > round_time(value.round):
        raise UsageError(
            f"the commitment was time-stamped at {stamp.time:%Y-%m-%d %H:%M} UTC, less than an hour before its beacon "
            f"round at {round_time(value.round):%Y-%m-%d %H:%M} UTC: its coins could have been known",
            hint="Make a new plan, and have it stamped earlier.",
        )
    origin = folder.read(ORIGIN_FILE, Origin)
    _require_new(Path(origin.to))
    corpus = SourceCorpus.open(Path(origin.corpus), text_column=origin.text_column)
    dealt = deal_all(folder, commitment, value)
    _require_unchanged(corpus, commitment, dealt)
    keys = [bytes.fromhex(folder.secret(batch.id).key) for batch in commitment.batches]
    publication = pick(commitment.design, dict(designs()), what="design").publish(corpus, dealt, list(map(Draws, keys)))
    restoration = corpus.publish(
        Path(origin.to), changes=publication.changes, withheld=publication.withheld, order=publication.order
    )
    if value is not None:
        folder.write(BEACON, value)
    if public is not None:
        folder.write(PUBLICITY_FILE, Publicity(address=public))
    folder.write(RESTORATION, restoration, private=True)
    grade = coin_grade(
        beacon=None if value is None else round_time(value.round),
        stamped=None if stamp is None or stamp.checked != "verified" else stamp.time,
        public=public is not None,
    )
    moved = 0 if publication.order is None else sum(row != index for index, row in enumerate(publication.order))
    return Published(Path(origin.to), grade, len(publication.withheld), len(publication.changes) + moved)


def _require_new(to: Path) -> None:
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(
            f"{to} holds something already, and the published copy is not written over it",
            hint="Where an earlier run was killed, remove it and run again: the coins are the same.",
        )


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
        coins = deal(commitment, units, Draws(bytes.fromhex(secret.key), randomness))
        batches.append(list(zip(units, coins, strict=True)))
    return batches


def _beacon(commitment: Commitment, path: Path | None) -> BeaconValue | None:
    committed = commitment.beacon
    if committed is None:
        if path is not None:
            raise UsageError(
                "the commitment names no beacon: its coins are the owner's alone", hint="Leave --beacon out."
            )
        return None
    if path is None:
        moment = round_time(committed.round)
        raise UsageError(
            f"the coins depend on round {committed.round:,} of drand, which is at {moment:%Y-%m-%d %H:%M} UTC",
            hint=f"After that, save what {round_address(committed.round)} gives, and name the file with --beacon.",
        )
    value = read_beacon(path, committed)
    check_signature(value)
    return value


def _require_unchanged(corpus: SourceCorpus, commitment: Commitment, dealt: list[list[tuple[Unit, int]]]) -> None:
    if corpus.sha256 == commitment.corpus_sha256:
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
