"""Committed order: the rows of one file are published in an order that is dealt inside blocks."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, PlantDesign, Publication
from auditor.planting.documents import even_parts, numbered, site_of
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit
from auditor.splicing.source import SourceCorpus

LEAST_BLOCKS = 30
BETWEEN_ROWS = "\n"
"""What joins the rows of a block where it is scored."""


def _build(ingredients: Ingredients) -> list[list[Unit]]:
    corpus, settings = ingredients.corpus, ingredients.settings
    if len({document.file for document in corpus.documents}) != 1:
        raise UsageError("an order is dealt to the rows of one file, and the corpus has several", hint="Join them.")
    blocks = len(corpus.documents) // settings.shard
    if blocks < LEAST_BLOCKS * settings.batches:
        raise UsageError(
            f"{len(corpus.documents):,} rows are {blocks} blocks of {settings.shard}, and an order needs "
            f"{LEAST_BLOCKS} a batch",
            hint="Lower --shard or --batches.",
        )
    batches: list[list[Unit]] = []
    first = 0
    for count, draws in zip(even_parts(blocks, settings.batches), ingredients.draws, strict=True):
        batches.append([_block(ingredients, draws, first + block) for block in range(count)])
        first += count
    return batches


def _block(ingredients: Ingredients, draws: Draws, block: int) -> Unit:
    shard = ingredients.settings.shard
    rows = ingredients.corpus.documents[block * shard : (block + 1) * shard]
    unit = f"block-{block + 1}"
    candidates = tuple(
        BETWEEN_ROWS.join(rows[index].text for index in block_order(draws, unit, candidate, shard))
        for candidate in range(ingredients.settings.decoys + 1)
    )
    return Unit(id=unit, kind="orders", sites=tuple(map(site_of, rows)), candidates=candidates)


def block_order(draws: Draws, unit: str, candidate: int, rows: int) -> tuple[int, ...]:
    """The order of the rows of a block in one of its candidates."""
    return draws.shuffled("order", f"{unit}/{candidate}", rows)


def _publish(corpus: SourceCorpus, dealt: Sequence[Sequence[tuple[Unit, int]]], draws: Sequence[Draws]) -> Publication:
    numbers = numbered(corpus)
    order = list(range(len(corpus.documents)))
    for batch, batch_draws in zip(dealt, draws, strict=True):
        for unit, chosen in batch:
            rows = [numbers[site.file, site.document] for site in unit.sites]
            for row, index in zip(rows, block_order(batch_draws, unit.id, chosen, len(rows)), strict=True):
                order[row] = rows[index]
    return Publication(order=tuple(order))


ORDER = PlantDesign(
    "order",
    "orders",
    "publish the rows of a file in a dealt order; tests that very file, read in its order",
    "rank-sum",
    "logprob-sum",
    lambda ingredients: ingredients.settings.decoys + 1,
    _build,
    _publish,
)
