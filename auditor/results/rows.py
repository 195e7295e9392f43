"""Plain tables: rows of groups or documents, columns of features; in memory as arrays, in JSON as lists."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Direction, Record

STORED = ConfigDict(extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
"""Of a dataclass that is a part of the result tree, as of any `Record`."""


_FEATURE = Unverifiable(
    "a single measured feature, changed by too little to move a rank (all of them together: see above)",
    frozenset({"again"}),
    ("[*][*]",),
)
_DETAIL = Unverifiable("how many documents were probed")


class _OrNan:
    """A number in memory, NaN where there is none; in JSON null for NaN."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = handler.generate_schema(float | None)
        return core_schema.no_info_wrap_validator_function(
            lambda value, check: value if value is math.nan else _or_nan(check(value)),
            written,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value if math.isfinite(value) else None
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema["schema"])


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


class _Matrix:
    """[rows, columns] float64 in memory, NaN where there is no figure; in JSON rows of numbers, null for NaN."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            _matrix,
            handler.generate_schema(tuple[tuple[float | None, ...], ...]),
            serialization=core_schema.plain_serializer_function_ser_schema(as_lists),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema["schema"])


def _matrix(value: Any, check: core_schema.ValidatorFunctionWrapHandler) -> npt.NDArray[np.float64]:
    if isinstance(value, np.ndarray):
        if value.ndim != 2 or value.dtype != np.float64 or np.isinf(value).any():
            raise ValueError("not a table of float64 without infinity")
        values = value.view()
    else:
        rows = check(value)
        if len({len(row) for row in rows}) > 1:
            raise ValueError("all rows must be of one length")
        values = np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)
    values.flags.writeable = False
    return values


def as_lists(values: npt.NDArray[np.float64]) -> list[list[float | None]]:
    """[rows, columns] as JSON has it; NaN becomes None."""
    rows: list[list[float | None]] = values.tolist()
    if np.isnan(values).any():
        return [[None if value != value else value for value in row] for row in rows]
    return rows


Matrix = Annotated[npt.NDArray[np.float64], _Matrix]
"""[rows, columns] figures, NaN where there is none. JSON holds the shortest decimals that give the same float64."""

OrNan = Annotated[float, _OrNan]
"""A figure, NaN where there is none."""


class TableRecord(Record):
    """A record with arrays, equal to another where all figures are, and NaN to NaN."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _same(self.__dict__, other.__dict__)

    __hash__ = None  # type: ignore[assignment]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return bool(one == other)


@dataclass(frozen=True, slots=True)
class Column:
    """What the engine may know of a feature."""

    __pydantic_config__: ClassVar[ConfigDict] = STORED

    name: str
    family: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class Rows:
    """Two sets of groups in one matrix.

    Attributes:
        values: [groups, columns] float64; NaN where a feature could not be computed for the group.
        suspect: [groups] bool, True for rows of the suspect side.
        groups: [groups] names; a name on both sides is two rows that always share a fold.
        columns: The meaning of each column.
    """

    values: npt.NDArray[np.float64]
    suspect: npt.NDArray[np.bool_]
    groups: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal rows."""
        return self.values.shape, self.values.tobytes(), self.suspect.tobytes(), self.groups, self.columns


class FeatureTable(TableRecord):
    """Features of documents, in document order; or of groups."""

    columns: tuple[Column, ...]
    """The meaning of each column; a feature of one of several references is called `NAME@LABEL`."""

    values: Annotated[Matrix, _FEATURE]
    """[documents, columns]; None where a feature could not be computed."""

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """Rows without the names of their groups."""
        return cls(columns=rows.columns, values=rows.values)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True, slots=True)
class Numerics:
    """What the scoring of a few probe documents showed."""

    __pydantic_config__: ClassVar[ConfigDict] = STORED

    probed: Annotated[Count, _DETAIL]
    """Documents scored again, each alone and in float32."""

    batch_difference: OrNan
    """Largest difference of a document's mean log-probability between the two (nats a token); None if they do not
    even hold the same tokens."""

    token_difference: OrNan
    """Largest such difference of one token (nats)."""

    shuffled: Count
    """Documents compared with their own words in random order."""

    disordered: Count
    """How many of them were no more probable (bits per byte) in their own order."""
