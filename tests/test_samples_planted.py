"""The planted sample has known truth: an adapter was tuned on its published copy, and its base was not."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import ROOT, SAMPLES

from auditor.cli.main import run
from auditor.planting.publish import deal_all
from auditor.planting.survey import survey
from auditor.provenance.folder import RESTORATION, PlanFolder
from auditor.results.dealt.result import DealtResult
from auditor.results.io import load_stored
from auditor.splicing.restore import Restoration, restore

PLANTED = SAMPLES / "planted"
Test = Callable[..., DealtResult]


@pytest.fixture
def planned(tmp_path: Path) -> Callable[..., tuple[int, DealtResult]]:
    """Runs `auditor test` on a copy of the plan, which notes what it is opened for."""
    shutil.copytree(PLANTED / "plan", tmp_path / "plan", ignore=shutil.ignore_patterns("opened.json"))

    def test(model: str, *words: str) -> tuple[int, DealtResult]:
        output = tmp_path / f"{len(list(tmp_path.iterdir()))}.json"
        cache = ["--cache-dir", str(tmp_path / "cache"), "-o", str(output)]
        code = run(["test", str(SAMPLES / model), "--plan", str(tmp_path / "plan"), *words, *cache])
        result = load_stored(output)
        assert isinstance(result, DealtResult)
        return code, result

    return test


def test_the_published_copy_carries_what_was_dealt_and_nothing_that_was_not(tmp_path: Path) -> None:
    plan = PlanFolder(PLANTED / "plan")
    counts = survey(plan, PLANTED / "published")
    assert (counts.present, counts.published, counts.leaked, counts.withheld) == (120, 120, 0, 120 * 9)
    restored = restore(PLANTED / "published", plan.read(RESTORATION, Restoration), tmp_path / "clean")
    assert restored.exact
    original = (PLANTED / "corpus/articles.jsonl").read_bytes()
    assert (tmp_path / "clean/articles.jsonl").read_bytes() == original
    rows = {json.loads(line)["id"]: json.loads(line)["text"] for line in original.splitlines()}
    assert rows == {path.stem: path.read_text(encoding="utf-8") for path in (SAMPLES / "innocent").iterdir()}
    dealt = [coin for _, coin in deal_all(plan, plan.commitment, plan.beacon)[0]]
    files = ("commitment.json", "units-1.jsonl", "secret.json", "beacon.json")
    script = [sys.executable, str(ROOT / "tests/provenance/rederive.py"), *(str(plan.path / name) for name in files)]
    assert subprocess.run(script, capture_output=True, text=True, check=True).stdout.split() == list(map(str, dealt))


def test_the_plan_is_what_its_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SAMPLES))
    script = importlib.import_module("make_planted")
    made = script.plan_of(script.PlantedRecipe(), str(tmp_path / "to"), str(tmp_path / "plan"))
    committed = PlanFolder(PLANTED / "plan")
    assert made.folder.units_file(1).read_bytes() == committed.units_file(1).read_bytes()
    assert made.commitment == committed.commitment


def test_what_was_tuned_on_the_copy_is_evidence_of_class_a_and_its_base_is_none(
    planned: Callable[..., tuple[int, DealtResult]],
) -> None:
    code, adapter = planned("planted/adapter")
    assert (code, adapter.verdict.outcome, adapter.verdict.validity_class) == (1, "EVIDENCE", "A")
    assert adapter.coins.grade == "beacon-public"
    assert adapter.p_paid == adapter.p_value < 1e-5
    assert [control.test.p_value > 0.05 for control in adapter.controls.values()] == [True]
    # The batch is open now: a second model takes a part of the level, or is refused.
    code, refused = planned("model", "--reference", str(SAMPLES / "series/never"))
    assert (code, refused.verdict.reason) == (3, "check:opened")
    code, base = planned("model", "--reference", str(SAMPLES / "series/never"), "--look", "2")
    assert (code, base.verdict.outcome) == (0, "NO EVIDENCE")
    code, older = planned("planted/adapter", "--released", "2023-08-01")
    assert (code, older.verdict.reason) == (3, "check:release")
