"""The published schemas are the ones that files obey."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import auditor
from auditor.cli.schemas import all_schemas


@pytest.mark.parametrize("name", sorted(all_schemas()))
def test_the_published_schema_is_current(name: str) -> None:
    """If this fails, write `auditor schema NAME` to the file that its entry in `auditor.cli.schemas` names."""
    entry = all_schemas()[name]
    assert json.loads(entry.path.read_text(encoding="utf-8")) == entry.schema()


@pytest.mark.parametrize("name", sorted(all_schemas()))
def test_every_schema_is_a_sound_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(all_schemas()[name].schema())


def test_no_published_schema_is_left_behind() -> None:
    package = Path(auditor.__file__).parent
    assert set(package.rglob("*.schema.json")) == {entry.path for entry in all_schemas().values()}
