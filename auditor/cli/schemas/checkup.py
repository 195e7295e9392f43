"""What `auditor doctor` finds, as JSON."""

from __future__ import annotations

from auditor.cli.schemas.schema import PublishedSchema
from auditor.doctor.checkup import CHECKUP_SCHEMA_VERSION, Checkup

CHECKUP = PublishedSchema(
    "checkup", "what `auditor doctor` found", Checkup, f"doctor/checkup-{CHECKUP_SCHEMA_VERSION}.schema.json"
)
