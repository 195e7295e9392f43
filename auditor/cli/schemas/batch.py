"""The batch.json of a batch."""

from __future__ import annotations

from auditor.cli.schemas.schema import PublishedSchema
from auditor.results.batch import BATCH_SCHEMA_VERSION, BatchResult

BATCH = PublishedSchema(
    "batch", "batch.json, what a batch came to", BatchResult, f"batch/batch-{BATCH_SCHEMA_VERSION}.schema.json"
)
