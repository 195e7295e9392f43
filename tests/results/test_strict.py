"""A number is a number: neither a text, nor a truth value, nor a fraction where a whole one belongs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from support.batch import one_of_each
from support.results import build
from support.series import build_forget

from auditor.cli.schemas import all_schemas
from auditor.core.errors import UsageError
from auditor.core.record import Record
from auditor.report.renderer import render
from auditor.results.result import AuditResult
from auditor.settings import make_settings


def scalars(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    """The path of each number and truth value, what holds it, and its key."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        if isinstance(value, bool | int | float):
            yield (*path, key), tree, key
        yield from scalars(value, (*path, key))


def one_of_a_kind(tree: Any) -> list[tuple[tuple[str | int, ...], Any, Any]]:
    """One of those that differ in their place in a list alone; a configuration is compared by `verify`, not read."""
    kinds = {tuple(step if isinstance(step, str) else 0 for step in one[0]): one for one in scalars(tree)}
    return [one for kind, one in kinds.items() if "configuration" not in kind]


def impostors(value: Any) -> list[Any]:
    """What is no number, or no truth value, and could be read as this one."""
    if isinstance(value, bool):
        return [int(value), str(value).lower()]
    return [str(value), f" {value} ", bool(value), *([value + 0.5, float(value)] if isinstance(value, int) else [])]


TREES: dict[str, tuple[type[Record], Any]] = {
    "check": (AuditResult, lambda: build("EVIDENCE", reveal=True)),
    "forget": (AuditResult, build_forget),
    "batch": (type(one_of_each()), one_of_each),
}


@pytest.mark.long
@pytest.mark.parametrize(("kind", "make"), TREES.values(), ids=TREES)
def test_no_number_of_a_file_may_be_anything_else(kind: type[Record], make: Any) -> None:
    tree = json.loads(make().model_dump_json())
    assert kind.model_validate(tree) == make()
    accepted = []
    for path, holder, key in one_of_a_kind(tree):
        value = holder[key]
        for other in impostors(value):
            holder[key] = other
            try:
                kind.model_validate_json(json.dumps(tree))
                accepted.append((path, other))
            except ValueError:
                pass
        holder[key] = value
    assert accepted == []


def test_the_published_schema_refuses_a_number_that_is_written_as_text() -> None:
    tree = json.loads(render(build("EVIDENCE"), "json"))
    validator = jsonschema.Draft202012Validator(json.loads(all_schemas()["result"].path.read_text(encoding="utf-8")))
    assert validator.is_valid(tree)
    for _, holder, key in one_of_a_kind(tree)[::4]:
        value, holder[key] = holder[key], str(holder[key])
        assert not validator.is_valid(tree)
        holder[key] = value


@pytest.mark.parametrize("wrong", [{"seed": "1"}, {"policy": {"alpha": "0.02"}}, {"limit": True}, {"reveal": 1}])
def test_settings_are_read_as_strictly(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="valid"):
        make_settings(suspect="s", heldout="h", model="m", **wrong)
