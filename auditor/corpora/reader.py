"""Reader: one format of documents. Each file in `readers/` defines one, which discovery finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from auditor.core.errors import UsageError
from auditor.core.text import did_you_mean

GroupBy = Literal["document", "parent"]


@dataclass(frozen=True, slots=True)
class UnreadableCell:
    """Placeholder for a cell that cannot be text or a group (a list, a struct, bytes); `kind` is its type."""

    kind: str


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row or file as read, before a column is chosen.

    Attributes:
        id: Stable name within the corpus, without absolute paths: `sub/file.txt`, or `name.jsonl:ROW` counting from 1.
        where: Its position for messages: the path as given and the line or row.
        content: The text itself where the format has no columns, else the cells by column name.
        parent: For a file in a folder, its folder relative to the corpus with `/` between parts, empty for the
            corpus folder itself; None for every other format.
    """

    id: str
    where: str
    content: str | Mapping[str, object]
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file of another kind among the documents, by its relative name."""

    name: str


@dataclass(frozen=True, slots=True)
class Reader:
    """One format.

    Attributes:
        name: Short name.
        formats: The formats it reads, for messages to the user.
        accepts: Whether it reads a source, decided by names and marker files, never by the data.
        read: Yields rows in a reading order that does not depend on the file system, one at a time.
        order: The first reader in this order, then by name, that accepts a source reads it; general ones come last.
        is_path: Whether its sources are paths; False for names on a service.
    """

    name: str
    formats: str
    accepts: Callable[[str], bool] = field(repr=False)
    read: Callable[[str], Iterator[RawRow | Skipped]] = field(repr=False)
    order: int = 0
    is_path: bool = True


def choose_split(splits: Iterable[str], wanted: str | None, source: str) -> str:
    """The named split, or the only one where none is named.

    Raises:
        UsageError: The split is unknown, or none is named where there are several; the message lists them.
    """
    known = sorted(splits)
    if wanted is None:
        if len(known) == 1:
            return known[0]
        raise UsageError(
            f"{source} has {len(known)} splits: {', '.join(known)}",
            hint=f"Name one, as in {source}:{(known or ['SPLIT'])[0]}",
        )
    if wanted not in known:
        raise UsageError(
            f"{source} has no split {wanted!r}; it has {', '.join(known)}", hint=did_you_mean(wanted, known)
        )
    return wanted
