"""The configuration of a batch."""

from __future__ import annotations

from auditor.batch.config.model import Batch
from auditor.cli.schemas.schema import PublishedSchema

AUDITS = PublishedSchema("audits", "the configuration of a batch", Batch, "batch/audits.schema.json", reading=True)
