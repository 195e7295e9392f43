"""Blocks of the rows of a file, each with its own order and others drawn at random.

Null: given the model, the order of the rows inside each block was uniform over all orders. Unit: the block. Assumption:
the publisher shuffled the rows. Source: Oren et al. 2024, with exact ranks in place of a t test.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from auditor.core.errors import UsageError
from auditor.core.seeds import stream
from auditor.dealt.natural.material import Cut, NaturalMaterial, arranged, as_batch, natural_draws, true_index
from auditor.dealt.natural.rows import read_rows, rows_sha256
from auditor.dealt.order_checks.check import all_order_checks, run_order_checks
from auditor.dealt.order_checks.table import OrderTable, order_table
from auditor.dealt.settings import PlanTestSettings
from auditor.provenance.draws import Draws
from auditor.provenance.records import Site, Unit
from auditor.results.dealt.checks import PlanCheck
from auditor.results.dealt.measurements import NaturalFacts
from auditor.results.guards import GuardResult

BETWEEN_ROWS = "\n"
"""What joins the rows of a block where it is scored."""


FILE = "rows"
"""Stands for the file, whose name may change."""


def file_order(settings: PlanTestSettings, *, reference: bool, cut_rows: int = 0) -> NaturalMaterial:
    """Read a file, judge its order, and draw other orders of its blocks.

    Args:
        settings: The file and its blocks.
        reference: Whether there is a reference.
        cut_rows: How many rows the window of the model cuts, where that is known.

    Raises:
        UsageError: It cannot be read, or a block has fewer orders than are asked for.
    """
    if math.factorial(min(settings.shard, 12)) <= settings.orders:
        raise UsageError(
            f"{settings.shard} rows have {math.factorial(settings.shard)} orders, and {settings.orders} others than "
            "that of the file are asked for",
            hint="Give more rows a block with --shard, or fewer orders with --orders.",
        )
    rows = read_rows(str(settings.order), settings.field)
    read = rows_sha256(rows, settings.field)
    table = order_table(rows, field=settings.field, rows_per_block=settings.shard, cut_rows=cut_rows)
    draws, key = natural_draws("file-order", read, settings.seed)
    units = list(block_units(table, settings.orders, draws))
    checks = tuple(map(_as_check, run_order_checks(table, seed=settings.seed)))
    opened = as_batch(
        "file-order",
        "orders",
        units,
        candidates=settings.orders + 1,
        reference=reference,
        key=key,
        read_sha256=read,
    )
    return NaturalMaterial(opened, NaturalFacts(sha256=read, checks=checks, left_out={}, cut_rows=cut_rows))


def with_cut_rows(material: NaturalMaterial, is_cut: Cut) -> NaturalMaterial:
    """The same with the rows that the window of the model cuts: those of blocks that do not fit it in every order."""
    units = material.opened.units
    cut = sum(len(unit.sites) for unit in units if any(map(is_cut, unit.candidates)))
    if not cut:
        return material
    shard = len(units[0].sites)
    bare = OrderTable(texts=("",) * (shard * len(units)), rows_per_block=shard, cut_rows=cut)
    again = next(check for check in all_order_checks() if check.name == "size").run(bare, stream(0, "size"))
    checks = [_as_check(again) if check.name == f"order-{again.name}" else check for check in material.facts.checks]
    return replace(material, facts=material.facts.model_copy(update={"checks": tuple(checks), "cut_rows": cut}))


def block_units(table: OrderTable, orders: int, draws: Draws) -> Iterator[Unit]:
    """The blocks of a table, each with its own order and others, at an index that is drawn.

    Args:
        table: The rows.
        orders: Other orders of each block.
        draws: Of the file and the seed.
    """
    shard = table.rows_per_block
    for block in range(table.blocks):
        first, unit = block * shard, f"block-{block + 1}"
        rows = table.texts[first : first + shard]
        drawn = [tuple(range(shard)), *_other_orders(draws, unit, shard, orders)]
        texts = [BETWEEN_ROWS.join(rows[index] for index in order) for order in drawn]
        yield Unit(
            id=unit,
            kind="orders",
            sites=tuple(_site(first + at, row) for at, row in enumerate(rows)),
            candidates=arranged(texts, true_index(draws, unit, len(texts))),
        )


def _other_orders(draws: Draws, unit: str, rows: int, count: int) -> Sequence[tuple[int, ...]]:
    """Distinct orders other than that of the file: the set of all is then as likely whichever of it the file had."""
    orders = {tuple(range(rows)): None}
    attempt = 0
    while len(orders) <= count:
        orders.setdefault(draws.shuffled("order", f"{unit}/{attempt}", rows))
        attempt += 1
    return tuple(orders)[1:]


def _site(row: int, text: str) -> Site:
    return Site(file=FILE, document=row, sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())


def _as_check(found: GuardResult) -> PlanCheck:
    return PlanCheck(
        name=f"order-{found.name}",
        question=found.question,
        status=found.status,
        reason=found.reason,
        remediation=found.remediation,
    )
