"""The result.json of an audit."""

from __future__ import annotations

from auditor.result import SCHEMA_VERSION, AuditResult
from auditor.schemas.schema import PublishedSchema

RESULT = PublishedSchema(
    "result", "result.json, what an audit came to", AuditResult, f"report/result-{SCHEMA_VERSION}.schema.json"
)
