"""Whatever text a configuration holds, it becomes a plan or a message."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.batch.plan import BatchPlan
from auditor.batch.read import read_batch
from auditor.cli.schemas import all_schemas
from auditor.core.errors import UsageError

_KEYS = [
    *all_schemas()["audits"].schema()["properties"],
    *all_schemas()["audits"].schema()["$defs"]["AuditModel"]["properties"],
]
_MARKS = ["{", "}", "[", "]", "- ", ": ", "= ", ".", ",", "#", "'", '"', "'''", '"""', "\n", "\n  ", "\t", "|\n"]
_TRAPS = ["no", "1e3", "010", "inf", "2024-01-01", "&a ", "*a", "<<: ", "!!x ", "\\u0000", "é"]
_WORDS = st.sampled_from([*_KEYS, *_MARKS, *_TRAPS, "[[audits]]\n", "[audits.policy]\n"])
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["evidence", "A", "hf:org/data", "org/name", "../..", "/", "~x", "untrained:", "a\0b", "x" * 300]),
)
_TREES = st.recursive(
    _SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), below, max_size=4)
)
_AUDIT = st.dictionaries(st.sampled_from(_KEYS), _TREES, max_size=5)
_BATCHES = st.fixed_dictionaries(
    {"audits": st.lists(_AUDIT, max_size=3)}, optional={"defaults": _AUDIT, "name": _SCALARS, "x": _SCALARS}
)


def outcome(text: str | bytes, suffix: str) -> BatchPlan | str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"audits{suffix}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        try:
            plan = read_batch(path)
        except UsageError as error:
            said = str(error)
            assert said.startswith(str(path))
            assert all(line.isprintable() for line in said.split("\n"))
            assert "Traceback" not in said
            return said
        assert list(Path(folder).iterdir()) == [path]
    assert plan.audits
    assert all(audit.folder.startswith("audits/") and ".." not in audit.folder for audit in plan.audits)
    return plan


def _both(text: str | bytes) -> None:
    for suffix in (".yaml", ".toml"):
        outcome(text, suffix)


_pieces = st.lists(st.one_of(_WORDS, st.text(max_size=5)), max_size=30).map("".join)
_trees = st.one_of(_BATCHES, _TREES).map(json.dumps)


@settings(max_examples=40, deadline=None)
@given(_pieces)
def test_pieces_of_a_configuration(text: str) -> None:
    _both(text)


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=60))
def test_bytes(raw: bytes) -> None:
    _both(raw)


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(_trees)
def test_the_right_keys_in_any_place(text: str) -> None:
    outcome(text, ".yaml")


@pytest.mark.slow
@settings(max_examples=4000, deadline=None)
@given(st.one_of(_pieces, _trees, st.binary(max_size=60)))
def test_many_texts(text: str | bytes) -> None:
    _both(text)
