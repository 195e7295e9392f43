"""SharedDocument: a document that several sets of an audit share, and which of them are left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import ConfigDict

from auditor.core.marks import Unverifiable
from auditor.core.record import Count
from auditor.results.forgetting.measurements import Role
from auditor.results.rows import STORED

if TYPE_CHECKING:
    from auditor.results.result import DocumentResult

Relation = Literal["exact", "near", "contained", "group"]

_SHARED = Unverifiable(
    "which documents several sets share, beyond the first of each cluster (--data for both sides shows it)",
    frozenset({"data suspect", "data heldout"}),
)


@dataclass(frozen=True, slots=True)
class SharedDocument:
    """One document of a cluster that touches several sets."""

    __pydantic_config__: ClassVar[ConfigDict] = STORED

    role: Role
    """Its set."""

    index: Count
    """Its position among the documents read of its set, from 0."""

    id: Annotated[str, _SHARED]
    """Id of the document."""

    group: Annotated[str, _SHARED]
    """Its group, as read."""

    sha256: str
    """Digest of its text."""

    cluster: Count
    """Number of its cluster."""

    relation: Annotated[Relation, _SHARED]
    """What connects it with the cluster: `exact`, `near` or `contained`, the strongest that holds, or the name of its
    `group`."""


def left_out(
    shared: Iterable[SharedDocument], compared: Iterable[DocumentResult], *, side: str | None = None
) -> tuple[SharedDocument, ...]:
    """The shared documents of both sides, or of one, that are not compared; no text is twice on a side."""
    sides = ("suspect", "heldout") if side is None else (side,)
    present = {(document.side, document.sha256) for document in compared}
    return tuple(
        document for document in shared if document.role in sides and (document.role, document.sha256) not in present
    )
