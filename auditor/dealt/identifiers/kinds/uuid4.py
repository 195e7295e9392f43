"""UUIDs of version 4: 122 random bits, version and variant fixed (RFC 9562)."""

from __future__ import annotations

from auditor.dealt.identifiers.kind import IdentifierKind, in_case_of, one_case, word

_PARTS = (8, 4, 4, 4, 12)
_VERSION, _VARIANT = 12, 16


def _write(value: str, payload: str) -> str:
    cut, parts = 0, []
    for size in _PARTS:
        parts.append(payload[cut : cut + size])
        cut += size
    return in_case_of(value, "-".join(parts))


def _refuse(value: str) -> str:
    digits = value.replace("-", "").lower()
    if digits[_VARIANT] not in "89ab" or digits[_VERSION] not in "1245678":
        return "no UUID of a known version"
    if digits[_VERSION] != "4":
        return "a UUID with a time or a name in it"
    return one_case(value)


UUID4 = IdentifierKind(
    name="UUID (version 4)",
    order=20,
    pattern=word(r"(?<!-)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?!-)"),
    payload=lambda value: value.replace("-", "").lower(),
    write=_write,
    # The variant has two random bits; it is left as it is, which leaves the rest uniform.
    free=lambda payload: tuple(at not in (_VERSION, _VARIANT) for at in range(32)),
    refuse=_refuse,
)
