"""The JSON Schemas of the files that people write and that the tool writes, published inside the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import auditor
from auditor.batch.config.model import BatchModel
from auditor.doctor.checkup import CHECKUP_SCHEMA_VERSION, Checkup
from auditor.results.batch import BATCH_SCHEMA_VERSION, BatchResult
from auditor.results.dealt.result import DEALT_SCHEMA_VERSION, DealtResult
from auditor.results.result import SCHEMA_VERSION, AuditResult

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class PublishedSchema:
    """A schema that is published in the repository.

    Attributes:
        name: What `auditor schema` calls it.
        of: What obeys it, in a few words.
        model: What it is made from.
        published: Where it is published, relative to the package.
        reading: Whether it describes a file that people write.
    """

    name: str
    of: str
    model: type[BaseModel]
    published: str
    reading: bool = False

    @property
    def path(self) -> Path:
        """The published file."""
        return Path(auditor.__file__).parent / self.published

    def schema(self) -> dict[str, Any]:
        """The schema as it is now."""
        made = self.model.model_json_schema(mode="validation" if self.reading else "serialization")
        return {"$schema": DIALECT, **made} if self.reading else made


_SCHEMAS = (
    PublishedSchema("audits", "the configuration of a batch", BatchModel, "batch/audits.schema.json", reading=True),
    PublishedSchema(
        "batch", "batch.json, the result of a batch", BatchResult, f"results/batch-{BATCH_SCHEMA_VERSION}.schema.json"
    ),
    PublishedSchema(
        "checkup", "the findings of `auditor doctor`", Checkup, f"doctor/checkup-{CHECKUP_SCHEMA_VERSION}.schema.json"
    ),
    PublishedSchema(
        "test",
        "result.json of `auditor test`",
        DealtResult,
        f"results/dealt/test-{DEALT_SCHEMA_VERSION}.schema.json",
    ),
    PublishedSchema(
        "result", "result.json, the result of an audit", AuditResult, f"results/result-{SCHEMA_VERSION}.schema.json"
    ),
)


def all_schemas() -> dict[str, PublishedSchema]:
    """Every schema by name."""
    return {schema.name: schema for schema in _SCHEMAS}
