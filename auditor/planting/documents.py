"""Documents of a corpus as units of a plan: their sites, their batches, and where canaries can be put."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from auditor.core.digests import text_sha256
from auditor.core.errors import UsageError
from auditor.planting.kind import count_words
from auditor.provenance.draws import Draws
from auditor.provenance.records import Site, Unit
from auditor.splicing.edit import TextEdit
from auditor.splicing.source import SourceCorpus, SourceDocument

T = TypeVar("T")

_KEY_WORDS = 4


def site_of(document: SourceDocument) -> Site:
    """The whole of a document as a site."""
    return Site(
        file=document.file,
        document=document.index,
        sha256=text_sha256(document.text),
        stop=len(document.text),
    )


def whole(corpus: SourceCorpus, number: int, candidates: Sequence[str], kind: str) -> Unit:
    """A unit whose candidates are versions of one document."""
    return Unit(
        id=f"document-{number + 1}",
        kind=kind,
        sites=(site_of(corpus.documents[number]),),
        candidates=tuple(candidates),
    )


def numbered(corpus: SourceCorpus) -> dict[tuple[str, int], int]:
    """The number of each document by its file and its position there."""
    return {(document.file, document.index): number for number, document in enumerate(corpus.documents)}


def by_text(corpus: SourceCorpus) -> dict[str, list[int]]:
    """Numbers of the documents of each text that is not blank, in order of first appearance."""
    numbers: dict[str, list[int]] = {}
    for number, document in enumerate(corpus.documents):
        if document.text.strip():
            numbers.setdefault(document.text, []).append(number)
    return numbers


def even_parts(count: int, parts: int) -> list[int]:
    """A count in parts that differ by one at most."""
    return [count // parts + (part < count % parts) for part in range(parts)]


def split(items: Sequence[T], draws: Sequence[Draws]) -> list[list[T]]:
    """Items in as many batches as there are draws, by the key of the first; each batch in the order of the items."""
    order = draws[0].shuffled("site", "batches", len(items)) if len(draws) > 1 else tuple(range(len(items)))
    parts: list[list[T]] = []
    start = 0
    for size in even_parts(len(items), len(draws)):
        parts.append([items[index] for index in sorted(order[start : start + size])])
        start += size
    return parts


def edits_of_sites(
    numbers: Mapping[tuple[str, int], int], unit: Unit, candidate: str
) -> Iterator[tuple[int, TextEdit]]:
    """The edits that put a candidate at the sites of its unit, each with the number of its document.

    Args:
        numbers: As `numbered` gives them.
        unit: The unit.
        candidate: Its candidate.
    """
    for site in unit.sites:
        number = numbers[site.file, site.document]
        yield number, TextEdit(site.start, site.stop, f"{site.before}{candidate}{site.after}")


def vocabulary(corpus: SourceCorpus) -> tuple[str, ...]:
    """Words of three letters and more, none of them a capital, that stand in two documents or more; sorted."""
    seen: dict[str, int] = {}
    for document in corpus.documents:
        for word in set(re.findall(r"[^\W\d_]{3,}", document.text)):
            if word == word.lower():
                seen[word] = seen.get(word, 0) + 1
    return tuple(sorted(word for word, count in seen.items() if count > 1))


def occurring(corpus: SourceCorpus, texts: Iterable[str]) -> set[str]:
    """Those of some texts that stand in a document, whatever the white space between their words."""
    wanted: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for text in texts:
        words = tuple(text.split())
        wanted.setdefault(words[:_KEY_WORDS], []).append((text, words))
    lengths = {len(key) for key in wanted}
    present: set[str] = set()
    for document in corpus.documents:
        words = tuple(document.text.split())
        for length in lengths:
            for start in range(len(words) - length + 1):
                for text, sought in wanted.get(words[start : start + length], ()):
                    if words[start : start + len(sought)] == sought:
                        present.add(text)
    return present


class Places:
    """Where canaries can be put: one a document, in documents long enough for the budget.

    Args:
        corpus: The corpus.
        budget: The largest share of a document's words that a canary may be.
    """

    def __init__(self, corpus: SourceCorpus, budget: float) -> None:
        self._corpus, self._budget = corpus, budget
        self._words = [count_words(document.text) for document in corpus.documents]
        self._free = [number for number in range(len(corpus.documents)) if corpus.insertion_points(number)]

    def take(self, draws: Draws, count: int, words: int) -> list[Site]:
        """Sites in documents that carry nothing yet, drawn from those that can.

        Args:
            draws: Of the key.
            count: How many.
            words: Words of the longest canary.

        Raises:
            UsageError: There are too few documents.
        """
        self.require(count, words)
        able = self._able(words)
        chosen = sorted(able[index] for index in draws.shuffled("site", "documents", len(able))[:count])
        taken = set(chosen)
        self._free = [number for number in self._free if number not in taken]
        order = draws.shuffled("site", "copies", count)
        return [self._site(chosen[index], draws) for index in order]

    def require(self, count: int, words: int) -> None:
        """Refuse more sites than there are documents for; arguments and errors as of `take`."""
        able = self._able(words)
        if len(able) < count:
            needs = f" and {words / max(self._budget, 1e-12):,.0f} words" if words else ""
            share = f", so that the canary is at most {self._budget:.2%} of it" if words else ""
            raise UsageError(
                f"{count:,} documents have to carry a canary, and {len(able):,} of {len(self._words):,} can: each "
                f"needs an end of a sentence inside a paragraph{needs}{share}",
                hint="Lower --count or --copies, or raise --document-budget.",
            )

    def _able(self, words: int) -> list[int]:
        return [number for number in self._free if words <= self._budget * self._words[number]]

    def _site(self, number: int, draws: Draws) -> Site:
        document = self._corpus.documents[number]
        points = self._corpus.insertion_points(number)
        point = points[draws.below("site", document.id, len(points))]
        return Site(
            file=document.file,
            document=document.index,
            sha256=text_sha256(document.text),
            start=point,
            stop=point,
            before=" ",
        )
