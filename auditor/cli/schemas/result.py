"""The result.json of an audit."""

from __future__ import annotations

from auditor.cli.schemas.schema import PublishedSchema
from auditor.results.result import SCHEMA_VERSION, AuditResult

RESULT = PublishedSchema(
    "result", "result.json, what an audit came to", AuditResult, f"report/result-{SCHEMA_VERSION}.schema.json"
)
