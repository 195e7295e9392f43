"""Formats of files that can be spliced. Each file in `formats/` defines some, which discovery finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from auditor.core.contents import Content
from auditor.core.errors import UsageError
from auditor.core.registry import discover
from auditor.splicing import formats
from auditor.splicing.edit import Edit, TextEdit


class SpliceableFile(Protocol):
    """One file of documents, opened. Positions in a document are those of the characters of its text."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The documents of the file, in order."""

    def insertion_points(self, index: int) -> tuple[int, ...]:
        """Where a sentence may be put into a document: after a sentence inside a paragraph, before the white space.

        Never the first or the last sentence end of the document, and never in headings, code, tables or front matter.
        What is put there begins with a space.
        """

    def can_edit(self, index: int, start: int, stop: int) -> bool:
        """Whether the characters [start, stop) of a document stand in one piece that an edit can replace."""

    def is_prose(self, index: int, start: int, stop: int) -> bool:
        """Whether the characters [start, stop) of a document stand in no code, link or quotation by the file's markup.

        What the text itself marks so, as in Markdown, is not told.
        """

    def edits(self, changes: Mapping[int, Sequence[TextEdit]]) -> tuple[Edit, ...]:
        """Changes of documents as edits of the bytes of the file.

        Args:
            changes: Disjoint edits by the number of the document in the file.

        Raises:
            ValueError: Edits of one document overlap.
            UsageError: The format cannot hold an edit.
        """

    def arrange(self, order: Sequence[int]) -> tuple[Edit, ...]:
        """The edits that leave the documents of `order`, in that order, and remove the others.

        Args:
            order: Distinct numbers of documents in the file.
        """


class NoTextColumn(UsageError):  # noqa: N818, an absence that a folder of files tolerates
    """A table without the column of texts: it may lie beside the documents without being any."""


@dataclass(frozen=True, slots=True)
class SpliceFormat:
    """A format of files that can be spliced.

    Attributes:
        name: Short name.
        suffixes: Its suffixes, in lower case, with the dot.
        single: Whether a file is one document.
        open: Opens the bytes of a file, whose texts are in the column of the second argument where it has columns.
            Raises a UsageError, with the line and without the name of the file, where it cannot be spliced safely.
        content: What a sound file of it holds.
    """

    name: str
    suffixes: tuple[str, ...]
    single: bool
    open: Callable[[bytes, str], SpliceableFile] = field(repr=False)
    content: Content = "structured"


def file_formats() -> dict[str, SpliceFormat]:
    """All formats by name."""
    return {each.name: each for each in discover(formats, SpliceFormat)}


def format_of(name: str) -> SpliceFormat | None:
    """The format of a file by its name; None where it is none that can be spliced."""
    lower = name.lower()
    return next((each for each in file_formats().values() if lower.endswith(each.suffixes)), None)
