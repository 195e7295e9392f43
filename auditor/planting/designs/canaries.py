"""Canaries: strings put into documents, each published with a coin out of a set from one generator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, PlantDesign, Publication
from auditor.planting.documents import Places, edits_of_sites, even_parts, occurring
from auditor.planting.kind import canary_kinds, unfit
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit
from auditor.splicing.edit import TextEdit
from auditor.splicing.source import SourceCorpus

_TRIES = 1000


def _build(ingredients: Ingredients) -> list[list[Unit]]:
    settings = ingredients.settings
    places = Places(ingredients.corpus, settings.document_budget)
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
        longest = max(len(text.split()) for candidates in sets.values() for text in candidates)
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
    """A set of one generator; a set with an unfit or repeated string is drawn anew as a whole, blind to coins."""
    settings = ingredients.settings
    kind = canary_kinds()[settings.kind]
    strings: Iterator[str] = kind.make(draws, unit, ingredients.context)
    reason = ""
    for _ in range(_TRIES):
        drawn = tuple(islice((text for text in strings if not unfit(text)), settings.decoys + 1))
        if len(set(drawn)) == len(drawn):
            return drawn
        reason = "two of them are equal"
    raise UsageError(f"no set of {settings.decoys + 1} different canaries of kind {settings.kind!r}: {reason}")


def _publish(corpus: SourceCorpus, dealt: Sequence[Sequence[tuple[Unit, int]]], draws: Sequence[Draws]) -> Publication:
    changes: dict[int, list[TextEdit]] = {}
    for batch in dealt:
        for unit, chosen in batch:
            for number, edit in edits_of_sites(corpus, unit, unit.candidates[chosen]):
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
