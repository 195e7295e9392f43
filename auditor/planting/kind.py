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
        sentences: Makes sentences with a model: number of texts and a seed to one string for each text, empty where
            there is no whole sentence in it; None without one.
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
        least_words: Words of its shortest canary: shorter ones are likely anywhere.
    """

    name: str
    summary: str
    make: Callable[[Draws, str, KindContext], Iterator[str]] = field(repr=False)
    needs_model: bool = False
    least_words: int = 1


def canary_kinds() -> dict[str, Kind]:
    """Every kind by name."""
    import auditor.planting.kinds

    return {kind.name: kind for kind in discover(auditor.planting.kinds, Kind)}


MOST_WORDS = 30
"""Words of the longest canary: what is repeated over 50 tokens and more is taken out by common pipelines."""

STOPS = ".!?。！？"
"""Signs that end a canary."""
_PLAIN = re.compile(rf"[^\W_][^\n{{}}<>|]*[{STOPS}]")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def count_words(text: str) -> int:
    """Words of a text; of scripts without spaces between words (Thai to Chinese), two letters are taken for one."""
    return max(len(text.split()), len(_UNSPACED.findall(text)) // 2)


def unfit(canary: str, least_words: int = 1) -> str:
    """Why a canary would not survive common pipelines or would harm its document; empty where it is fit.

    The rule looks at one string alone, never at its position in a set or at coins. What is unfit is passed over, so
    that each string that is taken has one law, that of the generator given that it is fit: published or not, a
    string of a set could be any of them.

    Args:
        canary: The string.
        least_words: Words of the shortest that is fit.
    """
    words = count_words(canary)
    if not words:
        return "no whole sentence"
    if words < least_words:
        return f"fewer than {least_words} words"
    if words > MOST_WORDS:
        return f"more than {MOST_WORDS} words"
    if not _PLAIN.fullmatch(canary):
        return "not one plain sentence: a line break, a bracket of code or markup, or no full stop"
    return ""
