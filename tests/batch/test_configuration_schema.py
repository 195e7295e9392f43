"""The published schema of a configuration accepts what the program accepts, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import ROOT

from auditor.batch.config.nodes import Faults
from auditor.batch.config.reading import read_text
from auditor.batch.config.structure import check_structure
from auditor.cli.schemas import all_schemas

PUBLISHED = jsonschema.Draft202012Validator(json.loads(all_schemas()["audits"].path.read_text(encoding="utf-8")))

CHECK: dict[str, Any] = {"name": "a", "suspect": "s", "heldout": "h", "model": "m"}
FORGET: dict[str, Any] = {"name": "b", "suspect": "s", "heldout": "h", "checkpoints": {"x": "m", "y": "n"}}


def program_accepts(document: Any) -> bool:
    # What JSON writes is YAML too.
    faults = Faults()
    node = read_text(json.dumps(document), ".yaml", faults)
    assert node is not None
    assert not faults
    wrong = check_structure(node, faults)
    assert bool(wrong) == bool(faults)
    return not wrong


def agree(document: Any) -> bool:
    accepted = program_accepts(document)
    assert PUBLISHED.is_valid(document) == accepted, document
    return accepted


@pytest.mark.parametrize(
    "document",
    [
        {"audits": [CHECK]},
        {"audits": [CHECK, FORGET], "name": "n", "correction": "benjamini-hochberg", "defaults": {}},
        {"audits": [{"name": "a", "model": "m"}], "defaults": {"suspect": "s", "heldout": "h"}},
        {"audits": [{"name": "a"}], "defaults": {"suspect": "s", "heldout": "h", "checkpoints": {}}},
        {"audits": [CHECK | {"limit": None, "seed": 3.0, "alpha": 0.01, "policy": {"minimum-groups": 5}}]},
        {"audits": [CHECK | {"expect": "evidence", "fail-on": ["evidence", "A", "collapsed"]}]},
        {"audits": [FORGET | {"states": ["A", "inconclusive"], "forgetting-policy": {"collapse-ratio": 2}}]},
        {"audits": [FORGET | {"tasks": {"t": "x"}, "relearn": True, "layers": False, "label-template": ""}]},
    ],
)
def test_what_is_right_is_accepted_by_both(document: Any) -> None:
    assert agree(document)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"audits": []},
        {"audits": {}},
        {"audits": [None]},
        {"audits": [CHECK], "correction": "bonferroni"},
        {"audits": [CHECK], "name": ""},
        {"audits": [CHECK], "name": "x" * 101},
        {"audits": [CHECK], "defaults": {"name": "x"}},
        {"audits": [CHECK], "defaults": None},
        {"audits": [CHECK], "audit": []},
        {"audits": [{key: value for key, value in CHECK.items() if key != "suspect"}, FORGET]},
        {"audits": [CHECK, {key: value for key, value in FORGET.items() if key != "checkpoints"}]},
        {"audits": [{"name": "a", "suspect": "s", "model": "m"}], "defaults": {"suspect": "s"}},
        *(
            {"audits": [CHECK | changed]}
            for changed in (
                {"name": None},
                {"name": 3},
                {"seed": "3"},
                {"seed": 1.5},
                {"seed": -1},
                {"seed": True},
                {"seed": None},
                {"relearn": "yes"},
                {"relearn": 0},
                {"alpha": "0.01"},
                {"alpha": True},
                {"alpha": 0},
                {"alpha": 0.5},
                {"limit": 0},
                {"context": 15},
                {"text_column": "x"},
                {"group-by": "author"},
                {"references": "x"},
                {"references": [3]},
                {"references": [None]},
                {"policy": {"alhpa": 0.01}},
                {"policy": {"alpha": 1}},
                {"policy": []},
                {"policy": None},
                {"expect": "no evidence"},
                {"expect": None},
                {"fail-on": "evidence"},
                {"fail-on": ["Evidence"]},
                {"states": []},
                {"states": ["a"]},
                {"states": ["evidence"]},
                {"checkpoints": ["x", "y"]},
                {"checkpoints": {"x": None}},
                {"tasks": {"x": 1}},
                {"kind": "series"},
                {"cache-dir": "x"},
            )
        ),
    ],
)
def test_what_is_wrong_is_refused_by_both(document: Any) -> None:
    assert not agree(document)


_ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 20000), st.floats(-1, 3, width=16), st.sampled_from(["", "A", "any", "x"])
)
_VALUES = st.one_of(
    _ANY, st.lists(_ANY, max_size=2), st.dictionaries(st.sampled_from(["alpha", "x"]), _ANY, max_size=2)
)
_AUDIT = all_schemas()["audits"].schema()["$defs"]["AuditModel"]["properties"]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(_AUDIT)), _VALUES, st.booleans())
def test_any_value_at_any_key_is_judged_alike(key: str, value: Any, shared: bool) -> None:
    document = copy.deepcopy({"audits": [CHECK], "defaults": {}})
    (document["defaults"] if shared else document["audits"][0])[key] = value  # type: ignore[call-overload, index]
    agree(document)


def test_every_key_says_what_it_is() -> None:
    assert all(entry.get("description") for entry in _AUDIT.values())


def test_the_samples_obey_the_schema() -> None:
    samples = (ROOT / "samples" / "AUDITS.yaml").read_text(encoding="utf-8")
    PUBLISHED.validate(yaml.safe_load(samples))
    named = samples.partition("$schema=")[2].split()[0]
    assert (ROOT / "samples" / named).resolve() == all_schemas()["audits"].path.resolve()
