"""Dealt hold-out: coins decide which documents are published. No text is altered."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, PlantDesign, Publication
from auditor.planting.documents import by_text, numbered, site_of, split
from auditor.provenance.deal import WITHHELD
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit
from auditor.splicing.source import SourceCorpus

_LEAST = 10
"""Documents of a batch."""


def _build(ingredients: Ingredients) -> list[list[Unit]]:
    corpus = ingredients.corpus
    # A text that stands twice is published or withheld as one: otherwise its copy would be in the published corpus.
    texts = by_text(corpus)
    batches = split(list(texts), ingredients.draws)
    if min(map(len, batches)) < _LEAST:
        raise UsageError(
            f"{len(texts):,} different documents in {len(batches)} batches: a hold-out needs {_LEAST} a batch",
            hint="Give more documents or fewer batches.",
        )
    return [
        [
            Unit(
                id=f"document-{texts[text][0] + 1}",
                kind="document",
                sites=tuple(site_of(corpus.documents[number]) for number in texts[text]),
                candidates=(text,),
            )
            for text in batch
        ]
        for batch in batches
    ]


def _publish(corpus: SourceCorpus, dealt: Sequence[Sequence[tuple[Unit, int]]], draws: Sequence[Draws]) -> Publication:
    numbers = numbered(corpus)
    withheld = (unit for batch in dealt for unit, coin in batch if coin == WITHHELD)
    return Publication(
        withheld=frozenset(numbers[site.file, site.document] for unit in withheld for site in unit.sites)
    )


HOLDOUT = PlantDesign(
    "holdout",
    "document",
    "keep a share of the documents back, chosen by coins: the strongest, and no text is altered",
    "dealt-holdout",
    "logprob-mean",
    lambda ingredients: 1,
    _build,
    _publish,
)
