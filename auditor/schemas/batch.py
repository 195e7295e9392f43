"""The batch.json of a batch."""

from __future__ import annotations

from auditor.batch.outcome import BATCH_SCHEMA_VERSION, BatchResult
from auditor.schemas.schema import PublishedSchema

BATCH = PublishedSchema(
    "batch", "batch.json, what a batch came to", BatchResult, f"batch/batch-{BATCH_SCHEMA_VERSION}.schema.json"
)
