"""A plan on disk: what is public, what is secret, and what happened to it."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from auditor.core.errors import UsageError, cannot_read, reason_of
from auditor.core.files import read_bytes, staged_folder, write_files
from auditor.core.record import Count, Record
from auditor.provenance.beacon import BeaconValue
from auditor.provenance.commitment import canonical
from auditor.provenance.records import BatchSecret, Commitment, Secret, Unit

R = TypeVar("R", bound=Record)

COMMITMENT, REQUEST, STAMP, STAMP_ROOT = "commitment.json", "commitment.tsq", "commitment.tsr", "stamp-root.pem"
BEACON, PUBLICITY, ORIGIN, SECRET, OPENED = "beacon.json", "public.json", "origin.json", "secret.json", "opened.json"
RESTORATION = "restoration.json"
READ_ME = "READ-ME.txt"
_LOCK = ".lock"
_PATIENCE = 30.0  # seconds


class Origin(Record):
    """What a plan was made from, and where the published copy goes."""

    corpus: str
    """The corpus, as seen from the folder of the plan where that is possible."""

    to: str
    """The published copy, likewise."""

    text_column: str
    created: str
    """When it was made (UTC, ISO 8601), by the clock of the machine."""


class Publicity(Record):
    """Where the owner says the commitment was public before the beacon round."""

    address: str


class Opening(Record):
    """A batch that was opened, after which whoever has seen it can train on its candidates."""

    batch: Count
    model: str
    """What it was opened for."""

    time: str


class Openings(Record):
    """Every batch that was opened."""

    opened: tuple[Opening, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanFolder:
    """The folder of a plan.

    Attributes:
        path: The folder.
    """

    path: Path

    def require_plan(self) -> None:
        """Refuse a folder that holds no commitment.

        Raises:
            UsageError: It holds none.
        """
        if not (self.path / COMMITMENT).is_file():
            raise UsageError(
                f"{self.path} holds no {COMMITMENT}, so it is no plan",
                hint="A plan is made by `auditor plant CORPUS --design ... --to PUBLISHED --plan PLAN`.",
            )

    def make(
        self, commitment: Commitment, units: Sequence[Sequence[Unit]], secret: Secret, origin: Origin, read_me: str
    ) -> None:
        """Write a new plan: the commitment that is public, and the secrets for nobody but their owner.

        Args:
            commitment: The commitment.
            units: Units of each batch.
            secret: Keys and salts.
            origin: Where it comes from.
            read_me: What to publish and what to keep, in plain words.

        Raises:
            RunError: The file system refuses.
        """
        # One renaming: of two runs at once one has the folder whole, and a killed one leaves nothing.
        with staged_folder(self.path) as staged:
            staged.chmod(0o700)
            plan = PlanFolder(staged)
            lines = {
                plan.units_file(batch.id): _lines(part) for batch, part in zip(commitment.batches, units, strict=True)
            }
            write_files({staged / SECRET: _written(secret), **lines}, private=True)
            write_files(
                {
                    staged / ".gitignore": b"*\n",
                    staged / ORIGIN: _written(origin),
                    staged / READ_ME: read_me.encode(),
                    staged / COMMITMENT: canonical(commitment),
                }
            )

    def seen_from(self, path: str) -> str:
        """A path as it is stored: relative to the plan, so that plan, corpus and copy can be moved together."""
        try:
            return Path(os.path.relpath(Path(path).resolve(), self.path.resolve())).as_posix()
        except ValueError:  # There is no such way between two drives.
            return str(Path(path).resolve())

    def located(self, stored: str) -> Path:
        """A stored path as seen from here."""
        return Path(os.path.relpath((self.path / stored).resolve()))

    @property
    def origin(self) -> Origin:
        """What the plan was made from; raises UsageError where it cannot be read."""
        return self.read(ORIGIN, Origin)

    @contextlib.contextmanager
    def held(self, *, wait: float = 0) -> Iterator[None]:
        """Hold the plan, so that no other run deals it at the same time; the system frees the lock of a dead process.

        Args:
            wait: Seconds to wait for another run.

        Raises:
            UsageError: Another run holds it, or it may not be written to.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / _LOCK, timeout=wait)
        try:
            lock.acquire()
        except Timeout:
            raise UsageError(f"another run is dealing the plan {self.path}", hint="Wait for it.") from None
        except OSError as error:
            raise cannot_read(self.path / _LOCK, error) from error
        try:
            yield
        finally:
            lock.release()

    def units_file(self, batch: int) -> Path:
        """The file of the units of a batch, which is secret until the batch is opened."""
        return self.path / f"units-{batch}.jsonl"

    @property
    def commitment(self) -> Commitment:
        """The commitment; raises UsageError where it cannot be read."""
        self.require_plan()
        return self.read(COMMITMENT, Commitment)

    @property
    def commitment_bytes(self) -> bytes:
        """What is time-stamped.

        Raises:
            UsageError: It cannot be read, or is not written as it was committed to.
        """
        written = read_bytes(self.path / COMMITMENT)
        if written != canonical(self.commitment):
            raise UsageError(
                f"{self.path / COMMITMENT} is not written as canonical JSON, so it was edited",
                hint="Take it from a backup.",
            )
        return written

    @property
    def is_dealt(self) -> bool:
        """Whether the coins were dealt and the published copy was written."""
        return (self.path / RESTORATION).is_file()

    def units(self, batch: int) -> tuple[Unit, ...]:
        """The units of a batch; raises UsageError where they cannot be read."""
        path = self.units_file(batch)
        lines = read_bytes(path).splitlines()
        return tuple(_parsed(Unit, line, f"{path}:{number}") for number, line in enumerate(lines, 1))

    def secret(self, batch: int) -> BatchSecret:
        """The secret of a batch.

        Raises:
            UsageError: There is none.
        """
        for secret in self.read(SECRET, Secret).batches:
            if secret.id == batch:
                return secret
        raise UsageError(f"{self.path / SECRET} holds no key of batch {batch}")

    def read(self, name: str, kind: type[R]) -> R:
        """Read a file of the plan; raises UsageError where it is missing or not whole."""
        return _parsed(kind, read_bytes(self.path / name), str(self.path / name))

    def read_or_none(self, name: str, kind: type[R]) -> R | None:
        """Read a file of the plan; None where it is not there."""
        return self.read(name, kind) if (self.path / name).is_file() else None

    @property
    def beacon(self) -> BeaconValue | None:
        """The round that the coins were dealt with; None where they are the owner's alone."""
        return self.read_or_none(BEACON, BeaconValue)

    def write(self, name: str, record: Record, *, private: bool = False) -> None:
        """Write a file of the plan; raises RunError where the file system refuses."""
        write_files({self.path / name: _written(record)}, private=private)

    @property
    def openings(self) -> Openings:
        """The batches that were opened."""
        return self.read_or_none(OPENED, Openings) or Openings()

    def require_notable(self) -> None:
        """Refuse a plan in which it cannot be noted that a batch was opened.

        Raises:
            UsageError: The folder may not be written to, or no file can have the name of the list.
        """
        listed, hint = self.path / OPENED, "A batch proves something once, so its opening is noted in the plan."
        if listed.exists() and not listed.is_file():
            raise UsageError(f"{listed} is no file", hint=hint)
        try:
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise UsageError(f"{listed} cannot be written ({reason_of(error)})", hint=hint) from error
        with self.held(wait=_PATIENCE):
            pass

    def note_opening(self, opening: Opening) -> None:
        """Add a batch to those that were opened."""
        with self.held(wait=_PATIENCE):
            self.write(OPENED, Openings(opened=(*self.openings.opened, opening)))


def _written(record: Record) -> bytes:
    return (json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()


def _lines(units: Sequence[Unit]) -> bytes:
    # Escaped, so that no character of a text is a line break to some reader.
    return "".join(json.dumps(unit.model_dump(mode="json")) + "\n" for unit in units).encode()


def _parsed(kind: type[R], written: bytes, where: str) -> R:
    try:
        return kind.model_validate_json(written)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        at = ".".join(map(str, problem["loc"]))
        raise UsageError(
            f"{where}: {at + ': ' if at else ''}{problem['msg']}", hint="The file was cut or edited; take a backup."
        ) from error
