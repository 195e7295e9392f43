"""PublishedSchema: the JSON Schema of one kind of file. Each file in this folder defines one; discovery finds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import auditor
import auditor.cli.schemas
from auditor.core.registry import discover

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class PublishedSchema:
    """A schema that is published in the repository.

    Attributes:
        name: What `auditor schema` calls it.
        of: What obeys it, in a few words.
        model: What it is made from.
        published: Where it is published, relative to the package.
        reading: Whether it is of what people write; else of what the tool writes.
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


def all_schemas() -> dict[str, PublishedSchema]:
    """Every schema by name."""
    return {schema.name: schema for schema in discover(auditor.cli.schemas, PublishedSchema)}
