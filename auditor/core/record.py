"""Record: the base of everything that is written to a result file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

Share = Annotated[float, Field(ge=0, le=1)]
"""A probability, an AUC, a level or a part of a whole."""

Count = Annotated[int, Field(ge=0, le=10**15)]
"""A count."""

Number = Annotated[float, Field(ge=-1e15, le=1e15)]
"""Any other finite figure; the bound only keeps an edited file from breaking what renders it."""


def _whole(value: Any) -> Any:
    # Equal to 1 is not 1: a literal alone would take true and 1.0 for it.
    if type(value) is not int:
        raise ValueError("not a whole number")
    return value


Direction = Annotated[Literal[-1, 0, 1], BeforeValidator(_whole)]
"""1 where a higher figure looks more trained on, -1 where a lower one does, 0 where neither."""


def _make_strict(node: Any) -> None:
    """Make every number and truth value of a core schema strict, in place."""
    if isinstance(node, dict):
        if node.get("type") in ("bool", "int", "float"):
            node["strict"] = True
        for below in node.values():
            _make_strict(below)
    elif isinstance(node, list | tuple):
        for below in node:
            _make_strict(below)


class Record(BaseModel):
    """A frozen, strict part of the result tree. A figure that does not exist is None; NaN and infinity are refused.

    The text under a field is its only documentation: for the code, the JSON Schema, configurations and reports.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the fields, in which a text or a truth value is never read as a number.

        Strict scalars alone: a strict record would also refuse the lists that JSON has in place of tuples.
        """
        schema = handler(source)
        _make_strict(schema)
        return schema


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
