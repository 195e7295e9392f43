"""The published schema is the one that results obey."""

from __future__ import annotations

import json
from pathlib import Path

import auditor.report
from auditor.result import SCHEMA_VERSION, AuditResult


def test_the_published_schema_is_current() -> None:
    """If this fails, write `auditor schema` to auditor/report/result-VERSION.schema.json and say what changed."""
    published = Path(auditor.report.__file__).with_name(f"result-{SCHEMA_VERSION}.schema.json")
    assert json.loads(published.read_text(encoding="utf-8")) == AuditResult.model_json_schema()
