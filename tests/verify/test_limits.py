"""No file makes a verification read, hold or compute more than docs/lasting.md states."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from auditor.audit.conclude import conclude
from auditor.audit.inputs import inputs_of_result
from auditor.cli.main import run
from auditor.core.errors import UsageError
from auditor.inference import separability as separability_module
from auditor.report.json_ import JSON
from auditor.report.renderer import write_outputs
from auditor.results.io import MOST_DEPTH, load_result, with_content_digest
from auditor.results.result import AuditResult
from auditor.results.rows import Rows
from auditor.results.separability import Separability
from auditor.verify.check import CheckAnswer, verify
from auditor.verify.limits import MOST_FILE, MOST_PERMUTATIONS, MOST_TOTALS, MOST_WORK, TooLongError, require_size
from auditor.verify.open import read_batch_result
from auditor.verify.subject import Subject
from auditor.verify.text import render_text
from auditor.verify.work import permuted_cells

STATED = Path(__file__).parents[2] / "docs" / "lasting.md"


def test_the_limits_are_those_that_the_documentation_states() -> None:
    text = " ".join(STATED.read_text(encoding="utf-8").split())
    for limit in (MOST_FILE, MOST_PERMUTATIONS, MOST_TOTALS, MOST_WORK, MOST_DEPTH):
        assert f"{limit:,}" in text, limit


def test_a_file_that_is_too_large_is_not_read(
    small: AuditResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "r.json")
    write_outputs(small, [path])
    monkeypatch.setattr("auditor.verify.limits.MOST_FILE", 1_000)
    assert run(["verify", path]) == 2
    assert "at most 1,000 are read" in capsys.readouterr().err
    with pytest.raises(TooLongError):
        read_batch_result(Path(path))
    assert run(["verify", path, "--long"]) == 0


def test_so_is_the_result_in_a_bundle(
    small: AuditResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, bundle = str(tmp_path / "r.json"), str(tmp_path / "r.zip")
    plain = [document.model_copy(update={"excerpt": None, "marks": None}) for document in small.documents]
    write_outputs(with_content_digest(small.model_copy(update={"documents": tuple(plain)})), [path])
    assert run(["bundle", path, "-o", bundle, "-q"]) == 0
    monkeypatch.setattr("auditor.verify.limits.MOST_FILE", 1_000)
    assert run(["verify", bundle]) == 2
    monkeypatch.setattr("auditor.verify.bundle.archive.MOST_BYTES", 1_000)
    assert run(["verify", bundle]) == 2
    assert "more than a bundle may have" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("limit", "most", "long"),
    [("MOST_WORK", 1_000, True), ("MOST_TOTALS", 500, False), ("MOST_PERMUTATIONS", 98, False)],
)
def test_figures_that_take_too_long_are_not_computed(
    limit: str, most: int, long: bool, small: AuditResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"auditor.verify.work.{limit}", most)
    with pytest.raises(TooLongError):
        verify(Subject(small, JSON.render(small).encode()))
    if long:
        assert verify(Subject(small, JSON.render(small).encode(), long=True))["figures"].status == "passed"


def test_pairs_of_groups_count_too(small: AuditResult, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = permuted_cells(inputs_of_result(small))
    monkeypatch.setattr("auditor.verify.work.MOST_WORK", steps + 10 * 30**2 - 1)
    with pytest.raises(TooLongError, match="30 groups"):
        verify(Subject(small, b""))


def test_the_steps_that_are_counted_are_those_that_are_taken(
    small: AuditResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    test = separability_module._separability

    def counting(rows: Rows, *arguments: Any) -> Separability:
        taken.append(rows.values.size * arguments[2])
        return test(rows, *arguments)

    monkeypatch.setattr(separability_module, "_separability", counting)
    inputs = inputs_of_result(small)
    conclude(inputs)
    assert 0.9 * permuted_cells(inputs) < sum(taken) <= permuted_cells(inputs)


def nested(levels: int) -> Any:
    tree: Any = {}
    for _ in range(levels):
        tree = [tree]
    return tree


@pytest.mark.parametrize("levels", [MOST_DEPTH, 900])
def test_what_is_nested_deeper_than_a_result_is_refused(levels: int, small: AuditResult, tmp_path: Path) -> None:
    tree = json.loads(JSON.render(small))
    tree["manifest"]["configuration"]["x"] = nested(levels)
    (tmp_path / "r.json").write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(UsageError, match="levels deep"):
        load_result(tmp_path / "r.json")


@pytest.mark.parametrize("reasons", [{f"x{number}": {} for number in range(20_001)}, {"x.b." * 100_000: {}}])
def test_a_list_that_cannot_be_cut_to_the_fields_at_hand_is_shown_whole(
    reasons: dict[str, Any], small: AuditResult
) -> None:
    """Neither many keys nor a long one hides what no check shows."""
    kept = small.measurements
    assert kept is not None
    changed = small.model_copy(update={"measurements": kept.model_copy(update={"reasons": reasons})})
    printed = " ".join(render_text(Subject(changed, b""), {"figures": CheckAnswer("failed", "")}).split())
    assert "how many tokens the placebo and the general set have" in printed


@pytest.mark.parametrize("filler", ["[]", "{}", "0.5", '"a"'])
def test_memory_is_a_multiple_of_the_size_of_the_file(filler: str, small: AuditResult, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    tree = json.loads(JSON.render(small))
    tree["manifest"]["configuration"]["x"] = "FILL"
    path.write_text(json.dumps(tree).replace('"FILL"', f"[{','.join([filler] * 200_000)}]"), encoding="utf-8")
    run(["verify", str(path)])
    tracemalloc.start()
    assert run(["verify", str(path)]) == 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * path.stat().st_size + 50_000_000


def test_the_limit_of_a_file_is_a_size_and_not_its_content() -> None:
    require_size(Path("a"), MOST_FILE, long=False)
    with pytest.raises(TooLongError):
        require_size(Path("a"), MOST_FILE + 1, long=False)
