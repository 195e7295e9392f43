"""Random hexadecimal strings, for corpora that hold such strings anyway."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.planting.kind import Kind, KindContext
from auditor.provenance.draws import Draws

_DIGITS = 32


def _make(draws: Draws, stream: str, context: KindContext) -> Iterator[str]:
    digits = draws.stream("hex", stream, 16)
    while True:
        yield f"{''.join(f'{next(digits):x}' for _ in range(_DIGITS))}."


HEX_KIND = Kind("hex", "32 random hexadecimal digits; weak on small models", _make)
