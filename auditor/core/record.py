"""Record: the base of everything that is written to a result file."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability, an AUC, a level or a part of a whole."""

Count = Annotated[int, Field(ge=0, le=10**15)]
"""A count."""

Number = Annotated[float, Field(ge=-1e15, le=1e15)]
"""Any other finite figure; the bound only keeps an edited file from breaking what renders it."""


class Record(BaseModel):
    """A frozen, strict part of the result tree. A figure that does not exist is None; NaN and infinity are refused.

    The text under a field is its only documentation: for the code, the JSON Schema, configurations and reports.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


def field_docs(kind: type[BaseModel]) -> dict[str, str]:
    """Documentation of each field of a record, on one line; empty where there is none."""
    return {name: " ".join((field.description or "").split()) for name, field in kind.model_fields.items()}
