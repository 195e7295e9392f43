"""Ethereum addresses: the last 20 bytes of the Keccak-256 of a public key, in lower case or with EIP-55's checksum."""

from __future__ import annotations

from auditor.dealt.identifiers.keccak import keccak256
from auditor.dealt.identifiers.kind import IdentifierKind, all_free, word


def checksummed(payload: str) -> str:
    """The digits of an address with capitals where the digest of its lower-case form says so (EIP-55)."""
    digest = keccak256(payload.encode()).hex()
    return "".join(
        digit.upper() if int(nibble, 16) >= 8 else digit for digit, nibble in zip(payload, digest, strict=False)
    )


def _write(value: str, payload: str) -> str:
    digits = value[2:]
    if digits == digits.lower():
        return f"0x{payload}"
    return f"0x{payload.upper()}" if digits == digits.upper() else f"0x{checksummed(payload)}"


def _refuse(value: str) -> str:
    digits = value[2:]
    if digits in (digits.lower(), digits.upper(), checksummed(digits.lower())):
        return ""
    return "a wrong checksum"


ETHEREUM = IdentifierKind(
    name="Ethereum address",
    order=30,
    pattern=word(r"0x[0-9A-Fa-f]{40}"),
    payload=lambda value: value[2:].lower(),
    write=_write,
    free=all_free,
    refuse=_refuse,
)
