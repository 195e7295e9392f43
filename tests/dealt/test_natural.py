"""Tests that need no plan: the order of a file, and identifiers of known law."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.dealt import make_plan
from support.natural import natural_result, shuffled_rows, write_identifiers, write_rows

from auditor.core.errors import UsageError
from auditor.dealt.checks.structure import STRUCTURE
from auditor.dealt.conclude import conclude_dealt, dealt_inputs_of
from auditor.dealt.natural.file_order import block_units
from auditor.dealt.natural.material import natural_draws
from auditor.dealt.natural.read import read_natural
from auditor.dealt.natural.rows import read_rows
from auditor.dealt.open import open_plan
from auditor.dealt.order_checks.table import order_table
from auditor.dealt.run import run_plan_test
from auditor.dealt.settings import make_plan_test_settings
from auditor.inference.unit_ranks import published_rank, rank_sum_test
from auditor.provenance.commitment import canonical
from auditor.results.dealt.result import DealtResult
from auditor.settings import make_options

Rows = list[dict[str, Any]]


def by_text(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: str(row["text"]))


def by_label(rows: Rows) -> Rows:
    return sorted(rows, key=lambda row: int(row["label"]))


def numbered(rows: Rows) -> Rows:
    return [{**row, "text": f"{number}. {row['text']}"} for number, row in enumerate(rows, start=1)]


def in_pairs(rows: Rows) -> Rows:
    return [row for row in rows for _ in range(2)]


def few(rows: Rows) -> Rows:
    return rows[:100]


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a model was opened")

    monkeypatch.setattr("auditor.dealt.natural.run.open_models", opened)


def run(tmp_path: Path, **settings: Any) -> DealtResult:
    return run_plan_test(make_plan_test_settings(**settings), make_options(cache_dir=str(tmp_path / "cache")))


@pytest.mark.parametrize("arrange", [by_text, by_label, numbered, in_pairs, few])
def test_a_file_whose_order_is_not_random_is_refused_before_a_model_is_opened(
    arrange: Callable[[Rows], Rows], tmp_path: Path, no_model: None
) -> None:
    file = write_rows(tmp_path / "rows.jsonl", arrange(shuffled_rows()))
    made = run(tmp_path, model="m", order=str(file), shard=4)
    assert made.verdict.outcome == "INCONCLUSIVE"
    assert made.verdict.reason.startswith("check:order-")
    assert made.exit_code == 3
    assert (made.manifest.models, made.manifest.texts_scored, made.target) == ((), 0, None)
    assert made.verdict.validity_class == "C"
    assert {check.status for check in made.checks if not check.name.startswith("order-")} <= {"not run", "passed"}
    assert conclude_dealt(dealt_inputs_of(made)) == made


def test_a_file_in_random_order_is_tested_and_no_condition_of_a_plan_is_shown(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", shuffled_rows())
    made = natural_result(order=str(file), effect=100.0)
    assert (made.verdict.headline, made.verdict.validity_class) == ("EVIDENCE (no control)", "B")
    assert STRUCTURE in made.verdict.validity
    assert (made.coins.grade, made.coins.bits, made.coins.class_a) == ("file-order", 0, False)
    assert made.units_scored == 35
    plan_alone = {"opening", "beacon", "release", "opened", "rule", "copy", "reference-date", "blind", "control"}
    assert not plan_alone & {check.name for check in made.checks}
    assert "Nothing was committed to before publication" in made.commitment["note"]


def test_a_reference_that_prefers_the_order_as_well_shows_structure(tmp_path: Path) -> None:
    file = str(write_rows(tmp_path / "rows.jsonl", shuffled_rows()))
    older = natural_result(order=file, effect=100.0, references=1)
    assert (older.verdict.headline, older.verdict.validity_class) == ("EVIDENCE", "B")
    assert STRUCTURE not in older.verdict.validity
    moved = natural_result(order=file, effect=100.0, references=1, moved=4.0)
    control = next(iter(moved.controls.values()))
    assert control.p_combined <= 0.05
    assert moved.verdict.reason == "check:structure"


def test_orders_that_were_shuffled_again_reject_no_more_than_the_level() -> None:
    """A model that prefers some texts to others, but no order: 300 orders of the same rows, at 10 %."""
    rows = [row["text"] for row in shuffled_rows(48)]
    shuffles, rejected = 300, 0
    draw = random.Random(1)
    for number in range(shuffles):
        again = draw.sample(rows, len(rows))
        draws, _ = natural_draws("file-order", str(number), 0)
        ranks = [
            published_rank(
                np.array([len(hashlib.sha256(text.encode()).hexdigest().strip("0123")) for text in unit.candidates]),
                unit.candidates.index("\n".join(again[4 * block : 4 * block + 4])),
                np.array(draws.shuffled("tie", unit.id, len(unit.candidates))),
            )
            for block, unit in enumerate(block_units(order_table(again, rows_per_block=4), 4, draws))
        ]
        rejected += rank_sum_test(np.array(ranks), 4).p_value <= 0.1
    assert rejected / shuffles <= 0.1 + 3 * (0.1 * 0.9 / shuffles) ** 0.5


def test_the_own_order_stands_at_any_index_and_no_order_twice(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", shuffled_rows(800))
    settings = make_plan_test_settings(model="m", order=str(file), shard=4, orders=3)
    opened = read_natural(settings, reference=False).opened
    rows = [row["text"] for row in shuffled_rows(800)]
    for block, (unit, index) in enumerate(zip(opened.units, opened.published, strict=True)):
        assert unit.candidates[index] == "\n".join(rows[4 * block : 4 * block + 4])
        assert len(set(unit.candidates)) == 4
    assert all(30 <= count <= 70 for count in Counter(opened.published).values())


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("rows.csv", "question,label\na b,1\nc d,2\n"),
        ("rows.jsonl", '{"question": "a b", "label": 1}\n{"question": "c d", "label": 2}\n'),
        ("rows.txt", "a b\n\nc d\n"),
    ],
)
def test_rows_are_read_in_their_order_with_their_columns(name: str, written: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(written)
    table = order_table(read_rows(str(tmp_path / name), "question"), field="question")
    assert table.texts == ("a b", "c d")
    assert list(table.columns) == ([] if name.endswith(".txt") else ["label"])


@pytest.mark.model
def test_rows_that_the_window_cuts_are_refused_before_anything_is_scored(
    tmp_path: Path, tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scored(*_: object, **__: object) -> None:
        raise AssertionError("something was scored")

    monkeypatch.setattr("auditor.dealt.natural.run.score_candidates", scored)
    rows = shuffled_rows(300)
    file = write_rows(tmp_path / "rows.jsonl", rows)
    made = run(tmp_path, model=str(tiny_model_dir), order=str(file), shard=8, max_tokens=16)
    assert made.verdict.reason == "check:order-size"
    assert "the window of the model cuts 296 rows" in made.verdict.sentence
    assert len(made.manifest.models) == 1


def test_identifiers_are_evidence_by_nature(tmp_path: Path) -> None:
    made = natural_result(identifiers=str(write_identifiers(tmp_path / "src")), effect=100.0)
    assert (made.verdict.headline, made.verdict.validity_class) == ("EVIDENCE", "A")
    assert (made.coins.grade, made.coins.bits, made.coins.class_a) == ("known-law", 0, True)
    assert "nobody committed to anything" in made.verdict.validity
    assert "not that it has them from these documents" in made.verdict.not_meaning
    assert (made.plan.units, made.plan.candidates) == (40, 128)


def test_a_reference_that_prefers_the_identifiers_as_well_is_refused(tmp_path: Path) -> None:
    source = str(write_identifiers(tmp_path / "src"))
    assert natural_result(identifiers=source, effect=100.0, references=1).verdict.headline == "EVIDENCE"
    moved = natural_result(identifiers=source, effect=100.0, references=1, moved=5.0)
    assert moved.verdict.reason == "check:control"
    assert "has seen them too" in moved.verdict.sentence


def counted(number: int) -> str:
    """A UUID that says it is random and begins with a time."""
    digits = f"{number // 16:08x}{hashlib.sha256(str(number).encode()).hexdigest()[:24]}"
    return str(uuid.UUID(hex=digits, version=4))


@pytest.mark.parametrize(
    ("identifiers", "name"),
    [
        ([str(uuid.UUID(int=random.Random(n).getrandbits(128), version=4)) for n in range(19)], "identifier-count"),
        ([counted(n * 4096) for n in range(60)], "identifier-law"),
        (["d41d8cd98f00b204e9800998ecf8427e"] * 30, "identifier-count"),
        ([], "identifier-count"),
    ],
    ids=["few", "times", "famous", "none"],
)
def test_identifiers_without_a_law_are_refused_before_a_model_is_opened(
    identifiers: list[str], name: str, tmp_path: Path, no_model: None
) -> None:
    file = tmp_path / "lock.txt"
    file.write_text("Nothing but these.\n" + "\n".join(f"id: {one}" for one in identifiers))
    made = run(tmp_path, model="m", identifiers=str(file))
    assert made.verdict.reason == f"check:{name}"
    assert (made.manifest.models, made.exit_code) == ((), 3)
    assert conclude_dealt(dealt_inputs_of(made)) == made


def test_an_identifier_is_scored_behind_its_context_without_its_other_copies(tmp_path: Path) -> None:
    source = write_identifiers(tmp_path / "src")
    value = (source / "0.py").read_text().split("'")[1]
    (source / "0.py").write_text(f"# see {value} below\n{(source / '0.py').read_text()}")
    opened = read_natural(make_plan_test_settings(model="m", identifiers=str(source)), reference=False).opened
    assert opened.units[0].candidates[opened.published[0]] == value
    for unit in opened.units:
        contexts = {opened.contexts[candidate] for candidate in unit.candidates}
        assert contexts == {unit.sites[0].before}
    assert all(value not in context for context in [opened.units[0].sites[0].before])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "there is no plan"),
        ({"plan": "p", "order": "f"}, "one material"),
        ({"order": "f", "identifiers": "d"}, "one material"),
        ({"order": "f", "batch": 2}, "--batch: no option of a test by --order"),
        ({"order": "f", "look": 1}, "--look"),
        ({"order": "f", "sequential": True}, "--sequential"),
        ({"order": "f", "released": "2026-01-01"}, "--released"),
        ({"identifiers": "d", "scores": "s.json"}, "--scores"),
        ({"identifiers": "d", "shard": 4}, "--shard"),
        ({"plan": "p", "orders": 4}, "--orders"),
        ({"plan": "p", "field": "text"}, "--field"),
        ({"order": "f", "shard": 1}, "shard"),
    ],
)
def test_options_of_another_material_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_plan_test_settings(model="m", **settings)
    assert says in f"{raised.value} {raised.value.hint}"


def test_a_block_needs_more_orders_than_are_drawn(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", shuffled_rows())
    with pytest.raises(UsageError, match="3 rows have 6 orders"):
        run(tmp_path, model="m", order=str(file), shard=3)


def test_no_plan_passes_for_what_nobody_planned(tmp_path: Path) -> None:
    made = natural_result(identifiers=str(write_identifiers(tmp_path / "src")))
    manifest = made.manifest.model_copy(
        update={"configuration": {**made.manifest.configuration, "identifiers": None, "plan": "p"}}
    )
    with pytest.raises(UsageError, match="none of the design"):
        conclude_dealt(dealt_inputs_of(made.model_copy(update={"manifest": manifest})))
    plan = make_plan(tmp_path / "plan", units=5)
    forged = plan.commitment.model_copy(update={"design": "identifiers"})
    (plan.path / "commitment.json").write_bytes(canonical(forged))
    with pytest.raises(UsageError, match="no plan has the design"):
        open_plan(str(plan.path), 1)
