"""What `auditor doctor` finds, as JSON."""

from __future__ import annotations

from auditor.doctor.checkup import CHECKUP_SCHEMA_VERSION, Checkup
from auditor.schemas.schema import PublishedSchema

CHECKUP = PublishedSchema(
    "checkup", "what `auditor doctor` found", Checkup, f"doctor/checkup-{CHECKUP_SCHEMA_VERSION}.schema.json"
)
