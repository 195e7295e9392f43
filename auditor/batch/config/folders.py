"""A folder for each audit, named after it and safe on every platform."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_LONGEST = 60
# Names that Windows keeps for devices.
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)


def folders(names: Sequence[str], inside: str = "audits") -> list[str]:
    """Folders of audits, relative to that of the batch: small letters, digits and hyphens, no two alike.

    Args:
        names: Names of the audits.
        inside: The folder they lie in.
    """
    taken: set[str] = set()
    last: dict[str, int] = {}
    chosen = []
    for name in names:
        slug = folder = _slug(name)
        while folder in taken:
            last[slug] = last.get(slug, 1) + 1
            folder = f"{slug}-{last[slug]}"
        taken.add(folder)
        chosen.append(f"{inside}/{folder}")
    return chosen


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-")
    return f"audit-{slug}".rstrip("-") if not slug or slug in _RESERVED else slug
