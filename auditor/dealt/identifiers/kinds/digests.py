"""Hexadecimal digests: MD5, SHA-1 (also of git commits) and SHA-256, alone or as registries do."""

from __future__ import annotations

from auditor.dealt.identifiers.kind import IdentifierKind, all_free, in_case_of, one_case, word

_VERSION, _VARIANT = 12, 16
_YEAR_2005, _YEAR_2040 = 1.1e9, 2.2e9


def _free_of_md5(payload: str) -> tuple[bool, ...]:
    """A UUID (version 4) without hyphens has 32 digits too; where its fixed digits fit, both laws agree on the rest."""
    if payload[_VERSION] == "4" and payload[_VARIANT] in "89ab":
        return tuple(at not in (_VERSION, _VARIANT) for at in range(len(payload)))
    return all_free(payload)


def _refuse_md5(value: str) -> str:
    return one_case(value) or ("a UUID with a time in it" if _holds_time(value.lower()) else "")


def _holds_time(payload: str) -> bool:
    """Whether 32 digits are a UUID of version 1, 6 or 7 without hyphens, of a time from 2005 to 2040."""
    if payload[_VARIANT] not in "89ab":
        return False
    if payload[_VERSION] == "7":
        return _YEAR_2005 < int(payload[:12], 16) / 1000 < _YEAR_2040
    return payload[_VERSION : _VERSION + 3] in ("11d", "11e", "11f") or (
        payload[_VERSION] == "6" and payload[:2] in ("1d", "1e", "1f")
    )


DOCKER = IdentifierKind(
    name="SHA-256 with prefix",
    order=10,
    pattern=word(r"sha256:[0-9a-f]{64}"),
    payload=lambda value: value.removeprefix("sha256:"),
    write=lambda value, payload: f"sha256:{payload}",
    free=all_free,
)
SHA256 = IdentifierKind(
    name="SHA-256",
    order=40,
    pattern=word(r"(?:[0-9a-f]{64}|[0-9A-F]{64})"),
    payload=str.lower,
    write=in_case_of,
    free=all_free,
    refuse=one_case,
)
SHA1 = IdentifierKind(
    name="SHA-1",
    order=50,
    pattern=word(r"(?:[0-9a-f]{40}|[0-9A-F]{40})"),
    payload=str.lower,
    write=in_case_of,
    free=all_free,
    refuse=one_case,
)
MD5 = IdentifierKind(
    name="MD5",
    order=60,
    pattern=word(r"(?:[0-9a-f]{32}|[0-9A-F]{32})"),
    payload=str.lower,
    write=in_case_of,
    free=_free_of_md5,
    refuse=_refuse_md5,
)
