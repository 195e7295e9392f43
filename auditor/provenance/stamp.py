"""Time stamps of a commitment (RFC 3161): the request for one, and what a token proves, checked without any network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from auditor.core.errors import UsageError, reason_of
from auditor.core.files import read_bytes

INSTALL = "Install what reads time stamps: pip install 'llm-auditor[plant]'."


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time stamp of a commitment.

    Attributes:
        time: When its authority saw the digest (UTC).
        authority: Name of the authority, as it calls itself.
        checked: Whether its signature was verified up to a root that came with it.
        root: Subject of that root certificate; empty where nothing was verified.
        root_sha256: SHA-256 of that certificate (DER), in hexadecimal, by which a reader knows it.
    """

    time: datetime
    authority: str
    checked: Literal["verified", "not verified here"]
    root: str = ""
    root_sha256: str = ""


def stamp_request(message: bytes) -> bytes:
    """The request to a time-stamping authority for a message, of which it sees the SHA-512 digest alone.

    Raises:
        UsageError: `rfc3161-client` is not installed.
    """
    return bytes(_client().TimestampRequestBuilder().data(message).build().as_bytes())


def read_stamp(path: Path, message: bytes, *, root: Path | None = None) -> Stamp:
    """Read the answer of a time-stamping authority, and check that it is about a message.

    Args:
        path: The answer (`.tsr`).
        message: What was stamped.
        root: Certificate (PEM) of the root that the authority's certificate has to lead to.

    Raises:
        UsageError: It is none, it is about something else, its signature does not lead to the root, or
            `rfc3161-client` is not installed.
    """
    return check_stamp(read_bytes(path), message, None if root is None else read_bytes(root), named=str(path))


def check_stamp(token: bytes, message: bytes, root: bytes | None, *, named: str = "the time stamp") -> Stamp:
    """Check a token; arguments and errors as of `read_stamp`."""
    client = _client()
    try:
        response = client.decode_timestamp_response(token)
        info = response.tst_info
        moment, authority = info.gen_time.astimezone(UTC), _authority(info, response)
    except ValueError as error:
        raise UsageError(
            f"{named}: not the answer of a time-stamping authority ({reason_of(error)})",
            hint="Send commitment.tsq to it, as application/timestamp-query, and save what it answers.",
        ) from error
    if root is None:
        _require_imprint(info, message, named)
        return Stamp(moment, authority, "not verified here")
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        certificates = x509.load_pem_x509_certificates(root)
    except ValueError as error:
        raise UsageError(f"{named}: the time stamp does not hold ({reason_of(error)})") from error
    problem: Exception | None = None
    for certificate in certificates:
        # One at a time: the result names the root that it rests on.
        try:
            client.VerifierBuilder().add_root_certificate(certificate).build().verify_message(response, message)
        except (ValueError, client.VerificationError) as error:
            problem = error
            continue
        digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
        return Stamp(moment, authority, "verified", certificate.subject.rfc4514_string(), digest)
    reason = "no root certificate" if problem is None else reason_of(problem)
    raise UsageError(f"{named}: the time stamp does not hold ({reason})") from problem


def reads_stamps() -> bool:
    """Whether what reads time stamps is installed."""
    try:
        _client()
    except UsageError:
        return False
    return True


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise UsageError("time stamps need the package rfc3161-client", hint=INSTALL) from error
    return rfc3161_client


def _authority(info: Any, response: Any) -> str:
    name = getattr(info.name, "value", None) or next(iter(response.signed_data.signer_infos)).issuer
    return str(name.rfc4514_string()) if hasattr(name, "rfc4514_string") else str(name)


def _require_imprint(info: Any, message: bytes, named: str) -> None:
    sha2 = "2.16.840.1.101.3.4.2."
    algorithm = {f"{sha2}1": "sha256", f"{sha2}2": "sha384", f"{sha2}3": "sha512"}.get(
        info.message_imprint.hash_algorithm.dotted_string
    )
    if algorithm is None or hashlib.new(algorithm, message).digest() != info.message_imprint.message:
        raise UsageError(
            f"{named} is of something else than this commitment", hint="Stamp commitment.json as it lies in the plan."
        )
