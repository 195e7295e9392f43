"""Web pages: characters of paragraphs, list items and table cells are changed in place; nothing is written anew."""

from __future__ import annotations

import html
import itertools
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from auditor.core.errors import UsageError
from auditor.splicing.coded import CodedText, line_of
from auditor.splicing.edit import Edit, TextEdit, apply_text_edits
from auditor.splicing.file_format import SpliceFormat
from auditor.splicing.page import Block, read_blocks
from auditor.splicing.sentences import points_in

_BETWEEN = "\n\n"
_SIGNS = re.compile(
    r"(?P<space>[ \t\n\f\r]+)|(?P<reference>&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?))"
    r"|(?P<plain>[^ \t\n\f\r&]+|&)"
)
_CHARSET = re.compile(
    r"""<(?:meta\b[^<>]{0,300}?charset|\?xml\b[^<>]{0,300}?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ShownText:
    """The characters that a page shows in its paragraphs, and where each stands in the file.

    Attributes:
        characters: The characters; references resolved, runs of white space as one space.
        starts: Position in the file at which each begins.
        stops: Position after each.
        pieces: Number of the run of text between two tags that each is of; -1 for what only separates paragraphs.
        paragraphs: Ranges of characters that are one paragraph each.
        prose: Numbers of the runs of text into which a sentence may be put.
    """

    characters: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("q"))
    stops: array[int] = field(default_factory=lambda: array("q"))
    pieces: array[int] = field(default_factory=lambda: array("q"))
    paragraphs: list[tuple[int, int]] = field(default_factory=list)
    prose: set[int] = field(default_factory=set)

    def add(self, characters: str, starts: Sequence[int], stops: Sequence[int], piece: int) -> None:
        """Add characters, with their positions."""
        self.characters.extend(characters)
        self.starts.extend(starts)
        self.stops.extend(stops)
        self.pieces.extend([piece] * len(characters))

    def drop_last(self) -> None:
        """Take the last character away."""
        for column in (self.characters, self.starts, self.stops, self.pieces):
            column.pop()

    def whole(self, position: int) -> tuple[int, int]:
        """The range of characters that stand in the file as one, such as those of a reference."""
        first, last = position, position + 1
        while first > 0 and self._is_one(first - 1, position):
            first -= 1
        while last < len(self.pieces) and self._is_one(last, position):
            last += 1
        return first, last

    def _is_one(self, position: int, other: int) -> bool:
        return (
            self.pieces[position] == self.pieces[other] >= 0
            and self.starts[position] == self.starts[other]
            and self.stops[position] == self.stops[other]
        )


@dataclass(frozen=True, slots=True)
class SpliceablePage:
    """A web page.

    Attributes:
        content: The whole page.
        text: The text of its paragraphs, an empty line between two.
        shown: Where each character of the text stands.
        ascii_only: Whether characters outside ASCII are written as references.
    """

    content: CodedText
    text: str
    shown: ShownText = field(repr=False)
    ascii_only: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """The one text."""
        return (self.text,)

    def insertion_points(self, index: int) -> tuple[int, ...]:
        """As `SpliceableFile` says."""
        points = points_in(self.texts[index], self.shown.paragraphs)
        return tuple(point for point in points if self.shown.pieces[point - 1] in self.shown.prose)

    def can_edit(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says: tags between the characters would be lost."""
        if not 0 <= start <= stop <= len(self.texts[index]):
            return False
        if start == stop:
            return self._gap(start) is not None
        return len(set(self.shown.pieces[start:stop])) == 1 and self.shown.pieces[start] >= 0

    def is_prose(self, index: int, start: int, stop: int) -> bool:
        """As `SpliceableFile` says."""
        return set(self.shown.pieces[start:stop]) <= self.shown.prose

    def edits(self, changes: Mapping[int, Sequence[TextEdit]]) -> tuple[Edit, ...]:
        """As `SpliceableFile` says."""
        apply_text_edits(self.text, changes.get(0, ()))
        edits = [self._source_edit(edit) for edit in changes.get(0, ())]
        spans = sorted((edit.start, edit.stop) for edit in edits)
        if any(after[0] < before[1] for before, after in itertools.pairwise(spans)):
            raise UsageError("two changes are in one character reference", hint="Leave one of them out.")
        return self.content.edits(edits)

    def arrange(self, order: Sequence[int]) -> tuple[Edit, ...]:
        """Nothing: a file of one document is published or not."""
        if tuple(order) != (0,):
            raise ValueError("a web page is one document, which is published as it is or not at all")
        return ()

    def _gap(self, position: int) -> int | None:
        """Where in the file characters go that are put in at a position of the text: after the one before it."""
        if position > 0 and self.shown.pieces[position - 1] >= 0:
            return self.shown.stops[position - 1]
        if position < len(self.text) and self.shown.pieces[position] >= 0:
            return self.shown.starts[position]
        return None

    def _source_edit(self, edit: TextEdit) -> TextEdit:
        if not self.can_edit(0, edit.start, edit.stop):
            raise UsageError(
                f"characters {edit.start} to {edit.stop} of the text are not one piece between tags",
                hint="Leave this passage as it is.",
            )
        first, last = edit.start, edit.stop
        if first < len(self.text):
            first = min(first, self.shown.whole(first)[0])
        if last > 0:
            last = max(last, self.shown.whole(last - 1)[1])
        if edit.start == edit.stop and edit.start in (first, last):
            gap = self._gap(edit.start)
            assert gap is not None
            return TextEdit(gap, gap, self._spelled(edit.new))
        # A reference may stand for several characters, of which some are to stay.
        new = self.text[first : edit.start] + edit.new + self.text[edit.stop : last]
        return TextEdit(self.shown.starts[first], self.shown.stops[last - 1], self._spelled(new))

    def _spelled(self, new: str) -> str:
        escaped = html.escape(new, quote=False)
        return escaped.encode("ascii", "xmlcharrefreplace").decode("ascii") if self.ascii_only else escaped


def _open(raw: bytes, column: str) -> SpliceablePage:
    content = CodedText.decode(raw)
    ascii_only = _writes_ascii(content)
    shown, number = ShownText(), 0
    for block in read_blocks(content.text):
        before = len(shown.characters)
        if before:
            shown.add(_BETWEEN, [0] * len(_BETWEEN), [0] * len(_BETWEEN), -1)
        start = len(shown.characters)
        number = _show(content.text, block, shown, number)
        if len(shown.characters) > start:
            shown.paragraphs.append((start, len(shown.characters)))
            continue
        while len(shown.characters) > before:
            shown.drop_last()
    return SpliceablePage(content, "".join(shown.characters), shown, ascii_only)


def _writes_ascii(content: CodedText) -> bool:
    """Whether only ASCII is safe in a page, as it declares no encoding, or another than that it is read in.

    Raises:
        UsageError: It declares another, and has characters outside ASCII.
    """
    if content.mark_bytes:
        return False
    declared = _CHARSET.search(content.text)
    if declared is None:
        return content.text.isascii()
    if declared.group(1).lower().replace("_", "-") in ("utf-8", "utf8"):
        return False
    odd = re.search(r"[^\x00-\x7f]", content.text)
    if odd is not None:
        raise UsageError(
            f"{line_of(content.text, odd.start())}: the page declares the encoding {declared.group(1)!r}, and is UTF-8",
            hint="Save it as UTF-8 and declare that.",
        )
    return True


def _show(source: str, block: Block, shown: ShownText, number: int) -> int:
    """Add the characters of a block; its pieces are numbered from `number`, and the next number comes back."""
    start = len(shown.characters)
    for piece in block.pieces:
        if piece.is_prose:
            shown.prose.add(number)
        for match in _SIGNS.finditer(source, piece.start, piece.stop):
            _add_signs(match, shown, start, number)
        number += 1
    if len(shown.characters) > start and shown.characters[-1] == " ":
        shown.drop_last()
    return number


def _add_signs(match: re.Match[str], shown: ShownText, start: int, number: int) -> None:
    signs, (first, last) = match.group(), match.span()
    resolved = html.unescape(signs) if match["reference"] else signs
    if match["space"] or not resolved.strip(" \t\n\f\r"):
        if len(shown.characters) > start and shown.characters[-1] != " ":
            shown.add(" ", [first], [last], number)
    elif resolved != signs:
        shown.add(resolved, [first] * len(resolved), [last] * len(resolved), number)
    else:
        shown.add(signs, range(first, last), range(first + 1, last + 1), number)


HTML = SpliceFormat("html", (".html", ".htm", ".xhtml"), True, _open, content="markup")
