"""The base of everything that is written to a result file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability, an AUC, a level or a part of a whole."""

Count = Annotated[int, Field(ge=0, le=10**15)]
"""How many of something."""

Number = Annotated[float, Field(ge=-1e15, le=1e15)]
"""Any other finite figure; the bound only keeps an edited file from breaking what renders it."""


class Record(BaseModel):
    """A frozen, strict part of the result tree. A figure that does not exist is None; NaN and infinity are refused.

    The text under a field is its one documentation: of the code, of the JSON Schema, of configurations and reports.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


def field_docs(kind: type[BaseModel]) -> dict[str, str]:
    """What is documented of each field of a record, on one line; empty where nothing is."""
    return {name: " ".join((field.description or "").split()) for name, field in kind.model_fields.items()}
