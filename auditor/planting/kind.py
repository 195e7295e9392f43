"""Kind: what canaries are made of. A published canary and its decoys come from one generator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from auditor.core.registry import discover
from auditor.provenance.draws import Draws


@dataclass(frozen=True, slots=True)
class KindContext:
    """What canaries are made from.

    Attributes:
        vocabulary: Words of the corpus, sorted.
        sentences: Makes sentences with a model: number of sentences and a seed to the sentences; None without one.
    """

    vocabulary: tuple[str, ...]
    sentences: Callable[[int, int], list[str]] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A generator of canaries.

    Attributes:
        name: Its name.
        summary: One line: what it makes, and for whom.
        make: Canaries without end, all of one law; draws of the key, an id for their streams, and the context.
        needs_model: Whether it needs a model that makes sentences.
    """

    name: str
    summary: str
    make: Callable[[Draws, str, KindContext], Iterator[str]] = field(repr=False)
    needs_model: bool = False


def canary_kinds() -> dict[str, Kind]:
    """Every kind by name."""
    import auditor.planting.kinds

    return {kind.name: kind for kind in discover(auditor.planting.kinds, Kind)}


MOST_WORDS = 30
"""Words of the longest canary: what is repeated over 50 tokens and more is taken out by common pipelines."""

_PLAIN = re.compile(r"[^\W_][^\n{}<>|]*[.!?]")


def unfit(canary: str) -> str:
    """Why a canary would not survive common pipelines or would harm its document; empty where it is fit.

    The rule looks at a candidate alone and never at coins: where one candidate is unfit, its whole set is drawn anew.
    """
    words = canary.split()
    if len(words) > MOST_WORDS:
        return f"more than {MOST_WORDS} words"
    if not _PLAIN.fullmatch(canary):
        return "not one plain sentence: a line break, a bracket of code or markup, or no full stop"
    return ""
