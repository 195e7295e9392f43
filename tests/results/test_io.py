"""Results that cannot be read back are refused with what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.results import build

from auditor.core.errors import UsageError
from auditor.report.renderer import render
from auditor.results.io import load_result
from auditor.results.result import SCHEMA_VERSION


def test_bad_files_are_named_with_their_place(tmp_path: Path) -> None:
    whole = json.loads(render(build("EVIDENCE"), "json"))
    path = tmp_path / "result.json"
    bad_guard = whole["guards"][0] | {"status": "maybe", "colour": "red"}
    for content, words in (
        ('{"schema_version": "1.0",\n oops}', ["result.json:2:2", "not JSON"]),
        ("[]", ["schema_version"]),
        ('{"x": NaN}', ["NaN"]),
        ("[" * 100_000, ["not a result"]),
        (json.dumps(whole | {"schema_version": "3.0"}), ["'3.0'", SCHEMA_VERSION, "auditor 0.1.0"]),
        (json.dumps(whole | {"surprise": 1}), ["surprise"]),
        (json.dumps(whole | {"guards": [bad_guard]}), ["guards.0.status", "guards.0.colour"]),
        (json.dumps({key: value for key, value in whole.items() if key != "verdict"}), ["verdict", "required"]),
    ):
        path.write_text(content)
        with pytest.raises(UsageError) as refused:
            load_result(path)
        assert all(word in str(refused.value) for word in ["result.json", *words]), refused.value


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xe9"}')
    for path, words in (
        (tmp_path / "none.json", "cannot read"),
        (tmp_path, "cannot read"),
        (tmp_path / "latin.json", "utf-8"),
    ):
        with pytest.raises(UsageError, match=words):
            load_result(path)


def test_half_of_a_character_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    whole = json.loads(render(build("EVIDENCE"), "json"))
    whole["manifest"]["configuration"]["odd"] = "\ud800"
    path = tmp_path / "result.json"
    path.write_text(json.dumps(whole))
    with pytest.raises(UsageError, match="surrogates not allowed"):
        load_result(path)
    whole["manifest"]["configuration"]["odd"] = "\U0001f600"
    path.write_text(json.dumps(whole))
    assert load_result(path).manifest.configuration["odd"] == "\U0001f600"
