"""Reader: one file format. Each file in `readers/` defines one; discovery finds it, so a new format is one new file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

GroupBy = Literal["document", "parent"]


@dataclass(frozen=True, slots=True)
class UnreadableSource:
    """Stands in a row for a cell that cannot be text or a group (a list, a struct, bytes); `kind` names its type."""

    kind: str


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row or file as it was found, before any column is chosen or any text is judged.

    Attributes:
        id: Stable name within the corpus, without absolute paths: `sub/file.txt`, or `name.jsonl:ROW` counting from 1.
        where: Where the user finds it, for messages: the path as given and the line or row.
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
    """A file beside the documents that no document was made of, by its relative name."""

    name: str


@dataclass(frozen=True, slots=True)
class Reader:
    """One format.

    Attributes:
        name: Short name.
        formats: What it reads, in the words of a message to the user.
        accepts: Whether it reads this source; looks at names and markers, never at the content of the data.
        read: Yields rows in a reading order that does not depend on the file system, one at a time.
        order: Readers are asked in this order, then by name; a more general reader stands later.
    """

    name: str
    formats: str
    accepts: Callable[[str], bool] = field(repr=False)
    read: Callable[[str], Iterator[RawRow | Skipped]] = field(repr=False)
    order: int = 0
