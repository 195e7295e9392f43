"""Every field of the result of a test that is changed by itself is found, or is named as one that nothing proves."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.dealt import make_plan, result

from auditor.cli.recorded import read_command, settings_of_batch
from auditor.core.marks import unverifiable_fields
from auditor.dealt.conclude import conclude_dealt
from auditor.report.json_ import write_json
from auditor.results.dealt.result import DealtResult
from auditor.results.io import with_content_digest
from auditor.verify.command import CommandReader
from auditor.verify.dealt.checks import verify_dealt
from auditor.verify.dealt.subject import DealtSubject

READER = CommandReader(read_command, settings_of_batch)

Steps = tuple[str | int, ...]


def first_leaves(tree: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """The leaves of a tree, of lists those of the first item alone."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from first_leaves(value, (*path, key))
    elif isinstance(tree, list) and tree:
        yield from first_leaves(tree[0], (*path, 0))
    else:
        yield path, tree


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.5 + 0.01
    if isinstance(value, str):
        return f"{int(value[0], 16) ^ 1:x}{value[1:]}" if re.fullmatch(r"[0-9a-f]{64}", value) else f"{value}x"
    return None


def name_of(path: Steps) -> str:
    """A path as marks write it."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def set_at(tree: Any, path: Steps, value: Any) -> Any:
    """A copy of a tree with another leaf."""
    tree = at = copy.deepcopy(tree)
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return tree


@pytest.mark.parametrize(("design", "opened"), [("canaries", True), ("holdout", False)])
def test_a_field_that_was_changed_is_found_or_named(design: str, opened: bool, tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", design, units=8, decoys=2)
    made = result(plan, references=1, reveal=True, permutations=99)
    tree = json.loads(write_json(made))
    folder = plan.path if opened else None
    known = DealtSubject(made, b"", plan=folder).available
    marks = [
        replace(mark, parts=tuple(path + part for part in mark.parts))
        for path, mark in unverifiable_fields(DealtResult)
        if mark.is_open(known)
    ]
    missed = []
    for path, value in first_leaves(tree):
        other = changed(value)
        if design == "holdout" and path[0] not in ("target", "controls", "measurements", "excluded_features"):
            continue  # The rest is of every design.
        if "engine" in path and path[-1] not in ("p_value", "auc", "critical_z"):
            continue  # Of the engine a few fields: all are compared in the same way.
        if other is None or path[0] == "content_sha256" or any(mark.covers(name_of(path)) for mark in marks):
            continue
        try:
            forged = with_content_digest(DealtResult.model_validate(set_at(tree, path, other)))
        except ValueError:
            continue
        subject = DealtSubject(forged, write_json(forged).encode(), plan=folder, reader=READER)
        if not any(answer.status == "failed" for answer in verify_dealt(subject).values()):
            missed.append(name_of(path))
    assert missed == []


def test_the_same_measurements_give_the_same_result(tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan"))
    assert conclude_dealt(DealtSubject(made, b"").inputs) == made
