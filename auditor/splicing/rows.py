"""Files of rows: where each row and the string of its text lie, and what that makes of edits and orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from auditor.core.errors import UsageError
from auditor.splicing.coded import CodedText
from auditor.splicing.edit import Edit, TextEdit, apply_text_edits
from auditor.splicing.prose import prose_points


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        start: Position of its first character in the file.
        stop: Position after its last, without the line end.
        end: Position after its line end.
        text_start: Position of the token that holds its text, quotes included.
        text_stop: Position after that token.
        text: What the token says; empty for a cell without text.
        fixed: Why its text cannot be changed, empty where it can.
    """

    start: int
    stop: int
    end: int
    text_start: int
    text_stop: int
    text: str
    fixed: str = ""


@dataclass(frozen=True)
class SpliceableRows:
    """A file with a document a row.

    Attributes:
        content: The whole file.
        rows: Its rows, in order.
        changed: Edits of the text of a row as edits of the characters of the file.
    """

    content: CodedText
    rows: tuple[Row, ...]
    changed: Callable[[CodedText, Row, Sequence[TextEdit]], Sequence[TextEdit]] = field(repr=False)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The text of each row."""
        return tuple(row.text for row in self.rows)

    def insertion_points(self, index: int) -> tuple[int, ...]:
        """As `SpliceableFile` says."""
        return () if self.rows[index].fixed else prose_points(self.rows[index].text)

    def can_edit(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says."""
        row = self.rows[index]
        return not row.fixed and 0 <= start <= stop <= len(row.text)

    def is_prose(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says: there is no markup."""
        return True

    def edits(self, changes: Mapping[int, Sequence[TextEdit]]) -> tuple[Edit, ...]:
        """As `SpliceableFile` says."""
        edits = list[TextEdit]()
        for index, changed in changes.items():
            row = self.rows[index]
            if row.fixed and changed:
                raise UsageError(f"row {index + 1}: {row.fixed}", hint="Leave this document as it is.")
            apply_text_edits(row.text, changed)
            edits += self.changed(self.content, row, changed)
        return self.content.edits(edits)

    def arrange(self, order: Sequence[int]) -> tuple[Edit, ...]:
        """As `SpliceableFile` says: the rows that stay fill their own positions in the new order; line ends stay."""
        if len(set(order)) != len(order) or not set(order) <= set(range(len(self.rows))):
            raise ValueError("an order names each document once at most, by its number in the file")
        text, edits = self.content.text, list[TextEdit]()
        for position, index in zip(sorted(order), order, strict=True):
            there, row = self.rows[position], self.rows[index]
            if position != index:
                edits.append(TextEdit(there.start, there.stop, text[row.start : row.stop]))
        gone = set(range(len(self.rows))).difference(order)
        edits += [TextEdit(self.rows[index].start, self.rows[index].end, "") for index in sorted(gone)]
        return self.content.edits(edits)


def token_edits(
    edits: Sequence[TextEdit], offsets: Sequence[int], encode: Callable[[str], str]
) -> tuple[TextEdit, ...]:
    """Edits of a text as edits of the token that holds it.

    Args:
        edits: Edits of the text.
        offsets: Position in the file of each character of the text, and of the end.
        encode: Spells new characters as the token spells its own.
    """
    return tuple(TextEdit(offsets[edit.start], offsets[edit.stop], encode(edit.new)) for edit in edits)
