"""Text files: one document a file, in UTF-8 or UTF-16 as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.splicing.coded import CodedText
from auditor.splicing.edit import Edit, TextEdit
from auditor.splicing.file_format import SpliceFormat
from auditor.splicing.prose import prose_points


@dataclass(frozen=True, slots=True)
class SpliceableText:
    """A text file.

    Attributes:
        content: Its text and encoding.
        markdown: Whether it is Markdown.
    """

    content: CodedText
    markdown: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """The whole text."""
        return (self.content.text,)

    def insertion_points(self, index: int) -> tuple[int, ...]:
        """As `SpliceableFile` says."""
        return prose_points(self.texts[index], indented_code=self.markdown)

    def can_edit(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says."""
        return 0 <= start <= stop <= len(self.texts[index])

    def is_prose(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says: there is no markup."""
        return True

    def edits(self, changes: Mapping[int, Sequence[TextEdit]]) -> tuple[Edit, ...]:
        """As `SpliceableFile` says."""
        return self.content.edits(changes.get(0, ()))

    def arrange(self, order: Sequence[int]) -> tuple[Edit, ...]:
        """Nothing: a file of one document is published or not."""
        if tuple(order) != (0,):
            raise ValueError("a text file is one document, which is published as it is or not at all")
        return ()


TEXT = SpliceFormat(
    "text", (".txt",), True, lambda raw, _: SpliceableText(CodedText.decode(raw), markdown=False), content="text"
)
MARKDOWN = SpliceFormat(
    "markdown",
    (".md", ".markdown"),
    True,
    lambda raw, _: SpliceableText(CodedText.decode(raw), markdown=True),
    content="text",
)
