"""Digests in base 64: subresource integrity of web pages and npm's lock files (W3C SRI), and the sums of Go modules."""

from __future__ import annotations

import base64
import re

from auditor.dealt.identifiers.kind import IdentifierKind, all_free

_LENGTHS = {"sha256-": 43, "sha384-": 64, "sha512-": 86, "h1:": 43}
_PREFIX = re.compile("|".join(_LENGTHS))
_FORMS = "|".join(f"{name}[0-9A-Za-z+/]{{{length}}}={{{-length % 4}}}" for name, length in _LENGTHS.items())


def _prefix(value: str) -> str:
    found = _PREFIX.match(value)
    return found[0] if found else ""


def _digest(value: str) -> bytes:
    return base64.b64decode(value.removeprefix(_prefix(value)))


def _write(value: str, payload: str) -> str:
    return f"{_prefix(value)}{base64.b64encode(bytes.fromhex(payload)).decode()}"


INTEGRITY = IdentifierKind(
    name="integrity digest",
    order=15,
    pattern=re.compile(rf"(?<![0-9A-Za-z+/_=-])(?:{_FORMS})(?![0-9A-Za-z+/_=-])"),
    payload=lambda value: _digest(value).hex(),
    write=_write,
    free=all_free,
    # The last letter of a digest has bits that are always zero; others do not come back as they were.
    refuse=lambda value: "" if _write(value, _digest(value).hex()) == value else "no digest in base 64",
)
