"""Every single field of a real result is changed, and every change is found."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from support.kinds import kinds_of

from auditor.audit.conclude import conclude
from auditor.audit.inputs import inputs_of_result
from auditor.cli.recorded import read_command, settings_of_batch
from auditor.core.marks import Unverifiable
from auditor.report.json_ import JSON
from auditor.results.io import content_digest, with_content_digest
from auditor.results.result import AuditResult
from auditor.verify.check import verify
from auditor.verify.command import CommandReader
from auditor.verify.differences import compare
from auditor.verify.subject import Subject
from auditor.verify.unproven import UNPROVEN, is_unproven

Path = tuple[str | int, ...]

INPUTS = frozenset(
    [
        "name",
        "documents",
        "suspect",
        "heldout",
        "placebo",
        "general",
        "manifest",
        "forgetting",
        "gate",
        "multiplicity",
        "measurements",
    ]
)
"""What a result is concluded from: the fields of `AuditInputs`. `conclude` is not handed any other."""
PARTLY = (
    "measurements.features.values",
    "measurements.text.values",
    "measurements.controls",
    "measurements.procedures",
    "measurements.overlap",
)
"""Of these a change of some size is found, and a smaller one changes no figure: they have tests of their own."""


def steps(tree: Any, path: Path) -> Iterator[Path]:
    """Every leaf below, and every list and object that can lose its last part."""
    yield path
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from steps(value, (*path, key))


def all_steps(tree: dict[str, Any]) -> list[Path]:
    return [path for name, part in tree.items() if name != "content_sha256" for path in steps(part, (name,))]


def name_of(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def others(value: Any) -> list[Any]:
    """Other values that a field may have, the smallest change first."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    if isinstance(value, float):
        return [value * (1 + 1e-6), value * (1 - 1e-6), 0.5, 0.25]
    if isinstance(value, str):
        words = (
            "passed",
            "failed",
            "heldout",
            "suspect",
            "C",
            "B",
            "EVIDENCE",
            "INCONCLUSIVE",
            "reference",
            "any",
            "near",
        )
        return [f"{value}x", *(word for word in words if word != value)]
    if isinstance(value, list):
        return [value[:-1]] if value else [["x"], [1]]
    if isinstance(value, dict):
        return [dict(list(value.items())[:-1])] if value else [{"x": 1}]
    return [0.5, 1, "x", [], {}]


@cache
def adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(AuditResult.model_fields[name].rebuild_annotation())


def tampered(result: AuditResult, tree: dict[str, Any], path: Path) -> AuditResult | None:
    """The result with one field changed into something else that a result may hold there, under a new seal.

    None where the schema knows no other value, so that a change is refused before anything is compared.
    """
    parts: Any = {"": json.loads(json.dumps(tree[str(path[0])]))}
    holder: Any = parts
    last: Any = ""
    for step in path[1:]:
        holder, last = holder[last], step  # type: ignore[index]
    before = holder[last]
    for value in others(before):
        holder[last] = value
        try:
            part = adapter(str(path[0])).validate_python(parts[""])
        except ValidationError:
            continue
        changed = result.model_copy(update={str(path[0]): part})
        if changed != result:
            return changed
    return None


def is_found(changed: AuditResult) -> bool:
    """Whether a check that needs nothing but the file notices the change although the seal was made anew."""
    changed = with_content_digest(changed)
    reader = CommandReader(read_command, settings_of_batch)
    answers = verify(Subject(changed, JSON.render(changed).encode(), reader=reader))
    return any(answer.status == "failed" for answer in answers.values())


@pytest.fixture(scope="module")
def tree(small: AuditResult) -> dict[str, Any]:
    return small.model_dump(mode="json")


def sample(paths: list[Path], count: int) -> list[Path]:
    return random.Random(0).sample(paths, min(count, len(paths)))


def untouched_is_verified(result: AuditResult) -> bool:
    return not is_found(result)


def test_the_result_is_verified_as_it_is(small: AuditResult) -> None:
    assert untouched_is_verified(small)


def every_change_breaks_the_seal(result: AuditResult, tree: dict[str, Any], paths: list[Path]) -> int:
    changes = [(path, tampered(result, tree, path)) for path in paths]
    for path, changed in changes:
        assert changed is None or content_digest(changed) != result.content_sha256, name_of(path)
    return sum(changed is not None for _, changed in changes)


def test_a_change_of_any_field_breaks_the_seal(small: AuditResult, tree: dict[str, Any]) -> None:
    assert every_change_breaks_the_seal(small, tree, sample(all_steps(tree), 150)) > 100


def every_change_of_a_figure_is_found(result: AuditResult, tree: dict[str, Any], paths: list[Path]) -> int:
    """One conclusion answers for all: it is not handed these fields, so a change of one cannot change it."""
    again = conclude(inputs_of_result(result)).model_dump(mode="json")
    count = 0
    for path in paths:
        name = str(path[0])
        if name in INPUTS or (changed := tampered(result, tree, path)) is None:
            continue
        count += 1
        dumped = adapter(name).dump_python(getattr(changed, name), mode="json")
        assert compare(dumped, again[name]).differences, name_of(path)
    return count


def test_a_new_seal_hides_no_change_of_a_figure_threshold_or_verdict(small: AuditResult, tree: dict[str, Any]) -> None:
    assert every_change_of_a_figure_is_found(small, tree, all_steps(tree)) > 800


def is_listed(tree: dict[str, Any], path: Path) -> bool:
    """Whether nothing can prove a field; a list or object that lost its last part is listed where that part is."""
    value: Any = tree
    for step in path:
        value = value[step]
    last: Path = (len(value) - 1,) if isinstance(value, list) else tuple(value)[-1:] if isinstance(value, dict) else ()
    return is_unproven(name_of(path)) or is_unproven(name_of((*path, *last)))


def every_change_of_an_input_is_found(result: AuditResult, tree: dict[str, Any], paths: list[Path]) -> int:
    """A new seal hides the fields of the list and no others."""
    wrong, count = [], 0
    for path in paths:
        name = name_of(path)
        if name.startswith(PARTLY) and is_unproven(name):
            continue
        changed = tampered(result, tree, path)
        if changed is None:
            continue
        count += 1
        if is_found(changed) is is_listed(tree, path):
            wrong.append(name)
    assert wrong == []
    return count


def inputs(tree: dict[str, Any]) -> list[Path]:
    return [path for path in all_steps(tree) if path[0] in INPUTS]


def one_of_a_kind(paths: list[Path]) -> list[Path]:
    """One path of each kind, which differ in more than places in lists."""
    return list({tuple(step if isinstance(step, str) else 0 for step in path): path for path in paths}.values())


def test_a_new_seal_hides_what_the_list_says_and_nothing_else(small: AuditResult, tree: dict[str, Any]) -> None:
    """One field of each kind, all of them."""
    assert every_change_of_an_input_is_found(small, tree, one_of_a_kind(inputs(tree))) > 80


ELSEWHERE = (
    "placebo",
    "general",
    "forgetting",
    "measurements.series",
    "multiplicity",
    "manifest.chat.",
    "suspect.skipped_kinds.",
    "heldout.skipped_kinds.",
)
"""What this result has no field of: a series is changed field by field in tests of its own, and a batch too; files
that were not read are in `test_encoding.py`, conversations in `test_samples_chat.py`."""


def test_every_leaf_that_a_result_can_have_is_changed_above(tree: dict[str, Any]) -> None:
    """Of what is an input. A new field is recomputed, or it is in the small result and is tried there."""
    names = [name_of(path) for path in all_steps(tree)]
    kinds = {kind for kind in kinds_of(AuditResult) if kind.split(".")[0].split("[")[0] in INPUTS}
    assert len(kinds) > 400
    tried = [kind for kind in sorted(kinds) if not kind.startswith(ELSEWHERE)]
    assert len(tried) > 70
    assert [kind for kind in tried if not any(Unverifiable("", parts=(kind,)).covers(name) for name in names)] == []


def test_the_list_names_fields_that_a_result_has() -> None:
    kinds = [kind.replace("[*]", "[0]").replace(".*", ".x") for kind in set(kinds_of(AuditResult))]
    assert [part for one in UNPROVEN for part in one.parts if not _has(part, kinds)] == []


def _has(part: str, kinds: list[str]) -> bool:
    """Whether a pattern is of a leaf, or of a list or object of leaves."""
    one = Unverifiable("", parts=(part,))
    return any(one.covers(kind) or any(map(one.covers, _above(kind))) for kind in kinds)


def _above(path: str) -> list[str]:
    return [path[: match.start()] for match in re.finditer(r"[.\[]", path)]


@pytest.mark.slow
def test_a_new_seal_hides_nothing_else_in_any_field(small: AuditResult, tree: dict[str, Any]) -> None:
    cells = [path for path in inputs(tree) if name_of(path).startswith(PARTLY) and is_unproven(name_of(path))]
    # Hundreds of tokens of each of six documents are alike: the first ones of each stand for all.
    tokens = [path for path in inputs(tree) if "marks" in path and any(step > 1 for step in path[3:4])]
    rest = list(dict.fromkeys(path for path in inputs(tree) if path not in {*cells, *tokens}))
    assert every_change_of_an_input_is_found(small, tree, rest) > 500
    # What this result has no field of: a series is changed field by field in tests of its own, and a batch too.
    elsewhere = ("placebo.", "general.", "forgetting.", "measurements.series", "multiplicity.")
    names = [name_of(path) for path in inputs(tree)]
    listed = [one for one in UNPROVEN if not all(path.startswith(elsewhere) for path in one.parts)]
    assert all(any(map(one.covers, names)) for one in listed)


TABLES = [("features",), ("text",), ("controls", "older"), ("procedures", "llm-di")]


@pytest.mark.parametrize("where", TABLES, ids=lambda where: where[0])
def test_a_kept_figure_that_moves_to_the_other_end_of_its_column_is_found(
    small: AuditResult, tree: dict[str, Any], where: tuple[str, ...]
) -> None:
    kept = json.loads(json.dumps(tree["measurements"]))
    table = kept
    for step in where:
        table = table[step]
    row, column = 5, 0
    values = sorted(cells[column] for cells in table["values"] if cells[column] is not None)
    middle = values[len(values) // 2]
    table["values"][row][column] = values[-1] + 1 if table["values"][row][column] <= middle else values[0] - 1
    assert is_found(small.model_copy(update={"measurements": adapter("measurements").validate_python(kept)}))


def test_a_document_that_is_said_to_stand_on_one_side_only_is_found(small: AuditResult) -> None:
    assert small.measurements is not None
    assert small.measurements.overlap
    kept = small.measurements.model_copy(update={"overlap": small.measurements.overlap[1:]})
    assert is_found(small.model_copy(update={"measurements": kept}))


def test_the_same_figures_by_another_processor_pass_with_a_remark(small: AuditResult) -> None:
    near = small.membership.auc * (1 + 3e-16) + 1e-12
    changed = small.model_copy(update={"membership": small.membership.model_copy(update={"auc": near})})
    answers = verify(Subject(with_content_digest(changed), JSON.render(with_content_digest(changed)).encode()))
    assert answers["figures"].status == "passed"
    assert "1 of them differ" in answers["figures"].detail


EXACT = [
    "thresholds.alpha",
    "thresholds.guard_alphas.blind",
    "membership.p_value",
    "membership.alpha",
    "membership.auc_interval.level",
    "membership.statistics[0].p_adjusted",
    "membership.columns[0].p_adjusted",
    "curve[0].p_value",
    "excess.level",
    "procedures[0].threshold",
]


@pytest.mark.parametrize("path", EXACT)
def test_no_processor_changes_a_threshold_a_level_or_a_ratio_of_counts(path: str) -> None:
    """Not even in the last bit."""
    stored: Any = 0.01
    again: Any = math.nextafter(0.01, 1)
    for step in reversed(re.findall(r"[\w-]+", path)):
        stored, again = ([stored], [again]) if step.isdecimal() else ({step: stored}, {step: again})
    exact = not path.startswith("procedures")
    assert bool(compare(stored, again).differences) is exact


def test_a_p_value_by_a_formula_may_differ_in_its_last_bits_and_by_nothing_else() -> None:
    def figures(p: float) -> dict[str, Any]:
        named = {"name": "p-value of uneven truncation", "value": p}
        return {
            "procedures": [{"p_value": p}],
            "forgetting": {"tasks": {"tests": [{"p_adjusted": p}]}, "suspect": {"equivalence": {"p_value": p}}},
            "guards": [{"name": "direction", "p_value": p}, {"name": "minimums", "figures": [named]}],
        }

    assert compare(figures(1e-20), figures(1e-20 * (1 + 1e-14))).close == 5
    # Next to nothing is not nothing for a p-value.
    assert len(compare(figures(1e-20), figures(2e-20)).differences) == 5


def test_a_permutation_p_value_of_a_guard_may_not() -> None:
    def guards(p: float) -> dict[str, Any]:
        return {"guards": [{"name": "blind", "p_value": p, "figures": [{"name": "p-value of text alone", "value": p}]}]}

    assert len(compare(guards(0.5), guards(0.5 + 1e-15)).differences) == 2
