"""Opening a plan: whatever byte of it is changed, the batch is refused before a model runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.dealt import make_plan

from auditor.core.errors import UsageError
from auditor.dealt.open import open_plan
from auditor.provenance.folder import BEACON, COMMITMENT, RESTORATION, SECRET, PlanFolder


def edit(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Change a JSON file of a plan."""

    def apply(plan: Path) -> None:
        tree = json.loads((plan / name).read_text())
        change(tree)
        (plan / name).write_text(json.dumps(tree, sort_keys=True, separators=(",", ":")))

    return apply


def edit_unit(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Change the first unit."""

    def apply(plan: Path) -> None:
        first, *rest = (plan / "units-1.jsonl").read_text().splitlines(keepends=True)
        unit = json.loads(first)
        change(unit)
        (plan / "units-1.jsonl").write_text("".join([json.dumps(unit) + "\n", *rest]))

    return apply


def drop_unit(plan: Path) -> None:
    """Leave the first unit out."""
    lines = (plan / "units-1.jsonl").read_text().splitlines(keepends=True)
    (plan / "units-1.jsonl").write_text("".join(lines[1:]))


def other_key(tree: dict[str, Any]) -> None:
    """Another key for the batch."""
    tree["batches"][0]["key"] = "ff" * 32


def other_salt(tree: dict[str, Any]) -> None:
    """Another salt of the key."""
    tree["batches"][0]["salt"] = "ff" * 32


def other_root(tree: dict[str, Any]) -> None:
    """Another root."""
    tree["batches"][0]["root"] = "ff" * 32


def swap_candidates(unit: dict[str, Any]) -> None:
    """Two candidates in each other's position."""
    first, second, *rest = unit["candidates"]
    unit["candidates"] = [second, first, *rest]


CHANGES: list[tuple[str, Callable[[Path], None], str]] = [
    ("key", edit(SECRET, other_key), "key of batch 1 is not the one"),
    ("salt", edit(SECRET, other_salt), "key of batch 1 is not the one"),
    ("root", edit(COMMITMENT, other_root), "Merkle roots differ"),
    ("candidate", edit_unit(swap_candidates), "Merkle roots differ"),
    ("identifier", edit_unit(lambda unit: unit.update(id="other")), "Merkle roots differ"),
    ("unit", drop_unit, "has 29 units, and 30 were committed to"),
    ("round", edit(BEACON, lambda tree: tree.update(round=999)), "names round 1,000"),
    ("randomness", edit(BEACON, lambda tree: tree.update(randomness="00" * 32)), "not the digest of the signature"),
    ("no beacon", lambda plan: (plan / BEACON).unlink(), "the plan holds none"),
    ("form", lambda plan: (plan / COMMITMENT).write_bytes(b" " + (plan / COMMITMENT).read_bytes()), "canonical"),
    ("stamp", lambda plan: (plan / "commitment.tsr").write_bytes(b"no"), "time-stamping authority"),
    ("not dealt", lambda plan: (plan / RESTORATION).unlink(), "not dealt yet"),
    ("no plan", lambda plan: (plan / COMMITMENT).unlink(), "it is no plan"),
]


@pytest.mark.parametrize(("change", "says"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_a_changed_byte_is_refused_with_its_own_reason(
    change: Callable[[Path], None], says: str, tmp_path: Path, unsigned: None
) -> None:
    plan = make_plan(tmp_path / "plan", beacon=True)
    open_plan(str(plan.path), 1)
    change(plan.path)
    with pytest.raises(UsageError, match=says):
        open_plan(str(plan.path), 1)


def test_a_signature_that_the_network_did_not_make_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("drand_verify")
    plan = make_plan(tmp_path / "plan", beacon=True)
    with pytest.raises(UsageError, match="not that of the drand network"):
        open_plan(str(plan.path), 1)


def test_a_beacon_that_nothing_committed_to_is_refused(tmp_path: Path, unsigned: None) -> None:
    plan, other = make_plan(tmp_path / "a"), make_plan(tmp_path / "b", beacon=True)
    (plan.path / BEACON).write_bytes((other.path / BEACON).read_bytes())
    with pytest.raises(UsageError, match="names none"):
        open_plan(str(plan.path), 1)


def test_a_batch_that_does_not_exist_is_refused_by_its_number(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", batches=2)
    with pytest.raises(UsageError, match="no batch 3"):
        open_plan(str(plan.path), 3)
    assert open_plan(str(plan.path), 2).batch.id == 2


def test_another_batch_has_coins_of_its_own(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", batches=2)
    one, two = (open_plan(str(plan.path), number) for number in (1, 2))
    assert one.published != two.published
    assert set(one.texts).isdisjoint(two.texts)


def test_the_order_of_texts_says_nothing_of_the_coins(tmp_path: Path) -> None:
    plans = [make_plan(tmp_path / str(number), key=bytes([number]) * 32) for number in (1, 2)]
    first, second = (open_plan(str(plan.path), 1) for plan in plans)
    assert first.published != second.published
    assert first.texts == second.texts
    assert PlanFolder(plans[0].path).is_dealt
