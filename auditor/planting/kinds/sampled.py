"""Sentences sampled from a model at temperature 1: they read like text and pass filters of quality."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.core.errors import UsageError
from auditor.planting.kind import Kind, KindContext
from auditor.provenance.draws import Draws

_AT_ONCE = 32
_SEEDS = 2**32
_LEAST_WORDS = 8


def _make(draws: Draws, stream: str, context: KindContext) -> Iterator[str]:
    if context.sentences is None:
        raise UsageError("sampled sentences need a model that writes them", hint="Give --model, or take --kind words.")
    seeds = draws.stream("sampled", stream, _SEEDS)
    while True:
        # A text without a sentence is one too, and counts among what is passed over.
        yield from context.sentences(_AT_ONCE, next(seeds)) or [""]


SAMPLED_KIND = Kind(
    "sampled",
    "sentences that a model samples at temperature 1; they read like text",
    _make,
    needs_model=True,
    least_words=_LEAST_WORDS,
)
