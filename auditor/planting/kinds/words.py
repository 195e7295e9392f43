"""Random words of the corpus: no model is needed, and few copies suffice; ugly to readers."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.core.errors import UsageError
from auditor.planting.kind import Kind, KindContext
from auditor.provenance.draws import Draws

WORDS = 14
LEAST_VOCABULARY = 500
"""Fewer words make strings that are too likely by themselves."""


def _make(draws: Draws, stream: str, context: KindContext) -> Iterator[str]:
    vocabulary = context.vocabulary
    if len(vocabulary) < LEAST_VOCABULARY:
        raise UsageError(
            f"the corpus has {len(vocabulary):,} different words that count (three letters and more, none of them a "
            f"capital, in two documents and more), and canaries of random words need {LEAST_VOCABULARY:,}",
            hint="Take --kind fact or --kind hex.",
        )
    indices = draws.stream("words", stream, len(vocabulary))
    while True:
        words = [vocabulary[next(indices)] for _ in range(WORDS)]
        yield f"{words[0].capitalize()} {' '.join(words[1:])}."


WORDS_KIND = Kind("words", "14 random words of the corpus; for data sets, ugly on pages", _make)
