"""Committed order: the rows of one file are published in an order that is dealt inside blocks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, PlantDesign, Publication
from auditor.planting.documents import even_parts, numbered, site_of
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit
from auditor.splicing.presence import BETWEEN_ROWS
from auditor.splicing.source import SourceCorpus

LEAST_BLOCKS = 30
_TRIES = 100
"""Orders that are drawn for each candidate: of as many orders as candidates, all come up but for one time in e^90."""


def _build(ingredients: Ingredients) -> list[list[Unit]]:
    corpus, settings = ingredients.corpus, ingredients.settings
    if len({document.file for document in corpus.documents}) != 1:
        raise UsageError("an order is dealt to the rows of one file, and the corpus has several", hint="Join them.")
    count = settings.decoys + 1
    blocks = len(corpus.documents) // settings.shard
    able = [block for block in range(blocks) if n_orders(_texts(ingredients, block)) >= count]
    if len(able) < LEAST_BLOCKS * settings.batches:
        raise _too_few(ingredients, blocks, len(able))
    batches: list[list[Unit]] = []
    first = 0
    for size, draws in zip(even_parts(len(able), settings.batches), ingredients.draws, strict=True):
        units = (_block(ingredients, draws, block) for block in able[first : first + size])
        batches.append([unit for unit in units if unit is not None])
        first += size
    if min(map(len, batches)) < LEAST_BLOCKS:
        raise _too_few(ingredients, blocks, sum(map(len, batches)))
    return batches


def _too_few(ingredients: Ingredients, blocks: int, able: int) -> UsageError:
    settings = ingredients.settings
    differing = "" if able == blocks else f", {able} of them with {settings.decoys + 1} orders that differ"
    return UsageError(
        f"{len(ingredients.corpus.documents):,} rows are {blocks} blocks of {settings.shard}{differing}, and an order "
        f"needs {LEAST_BLOCKS} a batch",
        hint="Lower --shard or --batches." if able == blocks else "Lower --decoys, or raise --shard.",
    )


def _texts(ingredients: Ingredients, block: int) -> list[str]:
    shard = ingredients.settings.shard
    return [document.text for document in ingredients.corpus.documents[block * shard : (block + 1) * shard]]


def _block(ingredients: Ingredients, draws: Draws, block: int) -> Unit | None:
    """The unit of a block; None where rows that hold line ends leave it too few orders that read differently."""
    settings = ingredients.settings
    rows = ingredients.corpus.documents[block * settings.shard : (block + 1) * settings.shard]
    texts, unit = _texts(ingredients, block), f"block-{block + 1}"
    orders = block_orders(draws, unit, texts, settings.decoys + 1)
    if orders is None:
        return None
    candidates = tuple(BETWEEN_ROWS.join(texts[index] for index in order) for order in orders)
    return Unit(id=unit, kind="orders", sites=tuple(map(site_of, rows)), candidates=candidates)


def n_orders(rows: Sequence[str]) -> int:
    """Orders of rows that differ, equal rows taken for the same; at most about 10^8, as more are never needed."""
    log_count = math.lgamma(len(rows) + 1) - sum(math.lgamma(count + 1) for count in Counter(rows).values())
    return round(math.exp(min(log_count, 18.0)))


def block_orders(draws: Draws, unit: str, rows: Sequence[str], count: int) -> tuple[tuple[int, ...], ...] | None:
    """The orders of the rows of a block in its candidates, whose texts all differ.

    Try t = 0, 1, 2, ... is the permutation of the stream with the label `order` and the id `UNIT/t`. A try whose text
    an earlier one had is passed over; the candidates are the first `count` of the others, in the order of their tries.
    Each is uniform among the texts that are left, so that the published one could be any of them.

    Args:
        draws: Of the key of the batch, without a beacon.
        unit: Id of the block.
        rows: Texts of its rows.
        count: How many candidates.

    Returns:
        For each candidate the numbers of the rows; None where fewer came up in 100 tries for each.
    """
    orders: dict[str, tuple[int, ...]] = {}
    for number in range(_TRIES * count):
        order = draws.shuffled("order", f"{unit}/{number}", len(rows))
        orders.setdefault(BETWEEN_ROWS.join(rows[index] for index in order), order)
        if len(orders) == count:
            return tuple(orders.values())
    return None


def _publish(corpus: SourceCorpus, dealt: Sequence[Sequence[tuple[Unit, int]]], draws: Sequence[Draws]) -> Publication:
    numbers = numbered(corpus)
    published = list(range(len(corpus.documents)))
    for batch, batch_draws in zip(dealt, draws, strict=True):
        for unit, chosen in batch:
            rows = [numbers[site.file, site.document] for site in unit.sites]
            texts = [corpus.documents[row].text for row in rows]
            orders = block_orders(batch_draws, unit.id, texts, chosen + 1)
            assert orders is not None
            for row, index in zip(rows, orders[chosen], strict=True):
                published[row] = rows[index]
    return Publication(order=tuple(published))


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
