"""Committing to units and a key, and checking an opening against the commitment."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from auditor.core.errors import UsageError
from auditor.core.record import Record
from auditor.provenance import merkle
from auditor.provenance.records import BatchCommitment, BatchSecret, Commitment, Unit

_KEY_DOMAIN = b"auditor/key/1"


class OpeningError(UsageError):
    """An opened batch is not what was committed to.

    Attributes:
        reason: Short name of what differs.
    """

    def __init__(self, reason: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


def canonical(record: Record) -> bytes:
    """A record as canonical JSON (RFC 8785), the same bytes from any implementation."""
    # Imported here, as only plans are written in this form.
    import rfc8785

    return rfc8785.dumps(record.model_dump(mode="json"))


def commitment_sha256(commitment: Commitment) -> str:
    """The digest that is time-stamped and published."""
    return hashlib.sha256(canonical(commitment)).hexdigest()


def commit_key(key: bytes, salt: bytes) -> str:
    """The commitment to a key, in hexadecimal."""
    return hashlib.sha256(_KEY_DOMAIN + salt + key).hexdigest()


def commit_corpus(key: bytes, sha256: str) -> str:
    """The commitment to a corpus by its digest: HMAC-SHA256(key, "corpus" || digest), in hexadecimal."""
    return hmac.digest(key, b"corpus" + bytes.fromhex(sha256), hashlib.sha256).hex()


def unit_salt(key: bytes, index: int) -> bytes:
    """The salt of a unit: HMAC-SHA256(key, "salt" || index as 8 bytes, big-endian), the index from 0."""
    return hmac.digest(key, b"salt" + index.to_bytes(8, "big"), hashlib.sha256)


def units_root(units: Sequence[Unit], key: bytes) -> str:
    """The root of the Merkle tree over the units of a batch, in their order."""
    leaves = (merkle.leaf(unit_salt(key, index), canonical(unit)) for index, unit in enumerate(units))
    return merkle.root(list(leaves)).hex()


def commit_batch(number: int, units: Sequence[Unit], secret: BatchSecret) -> BatchCommitment:
    """The commitment to a batch."""
    key, salt = bytes.fromhex(secret.key), bytes.fromhex(secret.salt)
    return BatchCommitment(id=number, units=len(units), root=units_root(units, key), key=commit_key(key, salt))


def require_opening(commitment: Commitment, batch: BatchCommitment, units: Sequence[Unit], secret: BatchSecret) -> None:
    """Check that a key and units are those that were committed to.

    Raises:
        OpeningError: With the reason `key`, `units`, `candidates`, `twice` or `root`.
    """
    key, salt = bytes.fromhex(secret.key), bytes.fromhex(secret.salt)
    if secret.id != batch.id or commit_key(key, salt) != batch.key:
        raise OpeningError("key", f"the key of batch {batch.id} is not the one that was committed to")
    if len(units) != batch.units:
        raise OpeningError("units", f"batch {batch.id} has {len(units):,} units, and {batch.units:,} were committed to")
    if len({unit.id for unit in units}) != len(units):
        raise OpeningError("twice", f"batch {batch.id} has two units with one id")
    if any(len(unit.candidates) != commitment.candidates for unit in units):
        raise OpeningError("candidates", f"a unit of batch {batch.id} does not have {commitment.candidates} candidates")
    if units_root(units, key) != batch.root:
        raise OpeningError(
            "root", f"the units of batch {batch.id} are not those that were committed to: the Merkle roots differ"
        )
