"""Reader: one format of documents. Each file in `readers/` defines one, which discovery finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from auditor.core.errors import UsageError
from auditor.core.text import did_you_mean
from auditor.corpora.streams import DataFile, has_suffix

GroupBy = Literal["document", "parent"]

TEXT_SUFFIXES = (".txt", ".md")
"""Suffixes of text files where a user names none."""


@dataclass(frozen=True, slots=True)
class UnreadableCell:
    """A cell that cannot be text or a group (a list, a struct, bytes).

    Attributes:
        kind: Its type.
        load: Reads its value, of cells that may hold a conversation.
    """

    kind: str
    load: Callable[[], object] = field(default=lambda: None, compare=False, repr=False)


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
    """A file among the documents that is not read.

    Attributes:
        name: Its relative name.
        kind: What it is, as the counts of what was left out have it: its suffix, or one of the words below.
    """

    name: str
    kind: str


HIDDEN = "hidden"
"""Kind of the files whose names begin with a dot."""

ABOUT = "about the data"
"""Kind of the cards, licences and the like that lie beside tables."""

OTHER_SPLIT = "of other splits"
"""Kind of the tables of splits that were not named."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What readers know of the settings of an audit.

    Attributes:
        text_column: The column that holds the text.
        suffix: Suffixes of the text files of a folder, an archive or a pattern, in lower case, with the dot.
    """

    text_column: str = "text"
    suffix: tuple[str, ...] = TEXT_SUFFIXES


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format of one file, which a source may be and which folders, archives and patterns may hold many of.

    Attributes:
        suffixes: Its suffixes, in lower case, with the dot; each also stands before `.gz`.
        read: Yields the rows of a file in their order, one at a time.
        often_other: Whether files of these suffixes are often no documents at all, as configurations are.
    """

    suffixes: tuple[str, ...]
    read: Callable[[DataFile, ReadOptions], Iterator[RawRow]] = field(repr=False)
    often_other: bool = False

    def reads(self, file: DataFile) -> bool:
        """Whether a file is of this format, by its name."""
        return any(map(file.has_suffix, self.suffixes))


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
        file: The format of a single file; None where a source is more than one.
    """

    name: str
    formats: str
    accepts: Callable[[str], bool] = field(repr=False)
    read: Callable[[str, ReadOptions], Iterator[RawRow | Skipped]] = field(repr=False)
    order: int = 0
    is_path: bool = True
    file: FileFormat | None = None


def file_reader(
    name: str,
    formats: str,
    suffixes: tuple[str, ...],
    read: Callable[[DataFile, ReadOptions], Iterator[RawRow]],
    *,
    often_other: bool = False,
) -> Reader:
    """The reader of a format of one file, which folders, archives and patterns then read too.

    Args:
        name: Short name.
        formats: The formats it reads, for messages to the user.
        suffixes: As of `FileFormat`.
        read: Yields the rows of a file.
        often_other: As of `FileFormat`.
    """
    return Reader(
        name=name,
        formats=formats,
        accepts=lambda source: any(has_suffix(source, suffix) for suffix in suffixes),
        read=lambda source, options: read(DataFile.at(Path(source), where=source), options),
        file=FileFormat(suffixes, read, often_other),
    )


def split_of(source: str, accepts: Callable[[Path], bool]) -> tuple[Path, str | None]:
    """The path and the split of a source: a path whose own name holds a colon wins over `PATH:SPLIT`.

    Args:
        source: As the user names it.
        accepts: Whether a path is one that has splits.
    """
    head, split = source, ""
    while ":" in head and not Path(head).exists():
        head, _, last = head.rpartition(":")
        split = f"{last}:{split}" if split else last
    named = split and head and accepts(Path(head))
    return (Path(head), split) if named else (Path(source), None)


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
