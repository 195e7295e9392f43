"""Record: the base of everything that is written to a result file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Marks how a setting is given, where its name, type and default do not determine that.

    Attributes:
        short: The short form of its option, such as `-m`.
        positional: Whether it is an argument without a flag.
        flag: Whether the command line has it at all.
        everywhere: Whether it means the same in every command, so that all of them read AUDITOR_NAME.
        escapes: Whether a backslash and n in its option stand for a new line.
        check_only: Whether a `forget` does not take it.
    """

    short: str = ""
    positional: bool = False
    flag: bool = True
    everywhere: bool = False
    escapes: bool = False
    check_only: bool = False


def usage_of(field: FieldInfo) -> Usage:
    """How a setting is given."""
    return next((mark for mark in field.metadata if isinstance(mark, Usage)), Usage())
