"""Canaries: strings put into documents, each published with a coin out of a set from one generator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, PlantDesign, Publication
from auditor.planting.documents import Places, edits_of_sites, even_parts, numbered, occurring
from auditor.planting.kind import Kind, canary_kinds, count_words, unfit
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit
from auditor.splicing.edit import TextEdit
from auditor.splicing.source import SourceCorpus

_MOST_SETS = 100
_MOST_UNFIT = 200
"""Strings that are passed over for one that is taken."""


def _build(ingredients: Ingredients) -> list[list[Unit]]:
    settings = ingredients.settings
    places = Places(ingredients.corpus, settings.document_budget)
    # Before any canary is made, and before it is known how long the longest is.
    places.require(settings.count * settings.copies, 0)
    counts = even_parts(settings.count, settings.batches)
    batches: list[list[Unit]] = []
    made = 0
    for count, draws in zip(counts, ingredients.draws, strict=True):
        ids = [f"canary-{made + number + 1}" for number in range(count)]
        sets = {unit: _candidates(ingredients, draws, unit) for unit in ids}
        present = occurring(ingredients.corpus, [text for candidates in sets.values() for text in candidates])
        if present:
            raise UsageError(
                f"a canary stands in the corpus already: {sorted(present)[0]!r}", hint="Take another --kind."
            )
        longest = max(count_words(text) for candidates in sets.values() for text in candidates)
        sites = places.take(draws, count * settings.copies, longest)
        batches.append(
            [
                Unit(
                    id=unit,
                    kind=settings.kind,
                    sites=tuple(sites[number * settings.copies : (number + 1) * settings.copies]),
                    candidates=sets[unit],
                )
                for number, unit in enumerate(ids)
            ]
        )
        made += count
    return batches


def _candidates(ingredients: Ingredients, draws: Draws, unit: str) -> tuple[str, ...]:
    """A set of different strings of one generator.

    Strings that are unfit are passed over one by one, which looks at no other string; what is taken is independent,
    and of one law. A set in which two are equal is drawn anew as a whole: to replace one of the two would favour what
    is likely at the first positions. So every order of a set is as likely as any other, and the published one, which a
    coin picks, could be each of them.
    """
    settings = ingredients.settings
    kind = canary_kinds()[settings.kind]
    strings = _fit(kind, kind.make(draws, unit, ingredients.context))
    for _ in range(_MOST_SETS):
        drawn = tuple(islice(strings, settings.decoys + 1))
        if len(set(drawn)) == len(drawn):
            return drawn
    raise UsageError(
        f"no set of {settings.decoys + 1} different canaries of kind {kind.name!r}: two of them were equal in each of "
        f"{_MOST_SETS}",
        hint="Take another --kind, or lower --decoys.",
    )


def _fit(kind: Kind, strings: Iterator[str]) -> Iterator[str]:
    """The strings that are fit; a generator that hardly makes any is refused."""
    reasons: Counter[str] = Counter()
    taken = 0
    for string in strings:
        reason = unfit(string, kind.least_words)
        if not reason:
            taken += 1
            yield string
            continue
        reasons[reason] += 1
        if reasons.total() > _MOST_UNFIT * (taken + 1):
            tried = reasons.total() + taken
            raise UsageError(
                f"canaries of kind {kind.name!r}: of {tried:,} strings {taken:,} are fit; the others are mostly "
                f"{reasons.most_common(1)[0][0]}",
                hint="Take another --model or another --kind." if kind.needs_model else "Take another --kind.",
            )


def _publish(corpus: SourceCorpus, dealt: Sequence[Sequence[tuple[Unit, int]]], draws: Sequence[Draws]) -> Publication:
    numbers = numbered(corpus)
    changes: dict[int, list[TextEdit]] = {}
    for batch in dealt:
        for unit, chosen in batch:
            for number, edit in edits_of_sites(numbers, unit, unit.candidates[chosen]):
                changes.setdefault(number, []).append(edit)
    return Publication(changes=changes)


CANARIES = PlantDesign(
    "canaries",
    "",
    "put sentences into documents, each chosen by a coin out of a set; works from few documents",
    "rank-sum",
    "logprob-mean",
    lambda ingredients: ingredients.settings.decoys + 1,
    _build,
    _publish,
)
