"""The paragraphs of a web page, by where their text stands in the file."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

from auditor.core.errors import UsageError

_PARAGRAPHS = frozenset({"p", "li", "td"})
_MAIN = frozenset({"main", "article"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr basefont bgsound command frame keygen".split()
)
# What main-content extractors drop, and what is no prose.
_NO_TEXT = _HEADINGS | frozenset(
    "aside audio button canvas datalist dialog figure footer form head header iframe listing math menu nav noembed "
    "noframes noscript object option plaintext pre script select style svg template textarea title video xmp".split()
)
_NO_PROSE = frozenset("a abbr button cite code data del ins kbd label q s samp sub sup time tt var".split())
_ENDS_PARAGRAPH = _HEADINGS | frozenset(
    "address article aside blockquote center dd details dir div dl dt fieldset figcaption figure footer form header hr "
    "li main menu nav ol p pre search section summary table tbody td tfoot th thead tr ul".split()
)
_BREAKS = _ENDS_PARAGRAPH | {"br", "body", "html", "caption"}
# Which open elements an element closes that lack their end tag, and how far up they are looked for.
_CELL, _TABLE = frozenset({"td", "th"}), frozenset({"table"})
_CLOSES = {
    "li": (frozenset({"li"}), frozenset({"ul", "ol", "menu"})),
    "td": (_CELL, _TABLE),
    "th": (_CELL, _TABLE),
    "tr": (_CELL | {"tr"}, _TABLE),
    **dict.fromkeys(("tbody", "thead", "tfoot"), (_CELL | {"tr", "tbody", "thead", "tfoot"}, _TABLE)),
    **dict.fromkeys(("dd", "dt"), (frozenset({"dd", "dt"}), frozenset({"dl"}))),
}
_AROUND_PARAGRAPHS = frozenset({"li", "td", "table", "button"})
_HIDDEN_CLASSES = frozenset({"visually-hidden", "sr-only", "screen-reader-text"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text between two tags.

    Attributes:
        start: Position of its first character in the page.
        stop: Position after its last.
        is_prose: Whether a sentence may be put into it: no link, code or quotation.
    """

    start: int
    stop: int
    is_prose: bool


@dataclass(slots=True)
class Block:
    """The text of a paragraph, list item or table cell.

    Attributes:
        in_main: Whether it lies in the main part of the page.
        pieces: Its runs of text, in order.
    """

    in_main: bool
    pieces: list[Piece] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Element:
    """An open element, and what holds of text directly in it, those around it considered."""

    tag: str = ""
    is_hidden: bool = False
    in_paragraph: bool = False
    in_main: bool = False
    is_prose: bool = True

    def child(self, tag: str, *, is_hidden: bool) -> _Element:
        return _Element(
            tag,
            self.is_hidden or is_hidden,
            self.in_paragraph or tag in _PARAGRAPHS,
            self.in_main or tag in _MAIN,
            self.is_prose and tag not in _NO_PROSE,
        )


def read_blocks(page: str) -> list[Block]:
    """The paragraphs of the main part of a page, or of all of it where none is marked as such.

    Args:
        page: The page.

    Raises:
        UsageError: The position of a text in it is not certain.
    """
    parser = _Parser(page)
    parser.feed(page)
    parser.close()
    main = [block for block in parser.blocks if block.in_main]
    return main or parser.blocks


class _Parser(HTMLParser):
    """Follows the open elements, and notes where each run of text stands."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._page = page
        self._lines = [0, *(match.end() for match in re.finditer("\n", page))]
        self._elements: list[_Element] = []
        self._count = Counter[str]()
        self._block: Block | None = None
        self._text_start = -1
        self._delivered: list[str] = []

    @property
    def _position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_data(self, data: str) -> None:
        if self._text_start < 0:
            self._text_start = self._position
        self._delivered.append(data)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self._end_text(self._position)
        if tag in _ENDS_PARAGRAPH:
            self._close(frozenset({"p"}), _AROUND_PARAGRAPHS)
        if tag in _CLOSES:
            while self._close(*_CLOSES[tag]):
                pass
        self._break(tag)
        if tag not in _VOID:
            around = self._elements[-1] if self._elements else _Element()
            self._elements.append(around.child(tag, is_hidden=tag in _NO_TEXT or _is_hidden(dict(attrs))))
            self._count[tag] += 1

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        # As browsers have it, the slash says nothing about an element that may have content.
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self._end_text(self._position)
        self._break(tag)
        # What stands in a table closes nothing around the table.
        self._close(frozenset({tag}), frozenset() if tag in ("body", "html", "table") else _TABLE)

    def handle_comment(self, data: str) -> None:
        self._end_text(self._position)

    def handle_decl(self, decl: str) -> None:
        self._end_text(self._position)

    def handle_pi(self, data: str) -> None:
        self._end_text(self._position)

    def unknown_decl(self, data: str) -> None:
        self._end_text(self._position)

    def close(self) -> None:
        super().close()
        self._end_text(len(self._page))

    def _break(self, tag: str) -> None:
        if tag in _BREAKS:
            self._block = None

    def _end_text(self, stop: int) -> None:
        """Note the run of text that ends where the next tag begins."""
        start, delivered = self._text_start, "".join(self._delivered)
        self._text_start, self._delivered = -1, []
        within = self._elements[-1] if self._elements else _Element()
        if start < 0 or within.is_hidden or not within.in_paragraph:
            return
        if html.unescape(self._page[start:stop]) != delivered:
            raise UsageError(
                f"line {bisect_right(self._lines, start)}: it is not certain where the text of the page stands",
                hint="Check the page with an HTML validator, or leave it out.",
            )
        if self._block is None:
            self._block = Block(within.in_main)
            self.blocks.append(self._block)
        self._block.pieces.append(Piece(start, stop, within.is_prose))

    def _close(self, tags: frozenset[str], around: frozenset[str]) -> bool:
        """Close the innermost open element that bears one of some names and stands in none of others."""
        if not any(self._count[tag] for tag in tags):
            return False
        for depth in range(len(self._elements) - 1, -1, -1):
            tag = self._elements[depth].tag
            if tag in tags:
                self._count.subtract(element.tag for element in self._elements[depth:])
                del self._elements[depth:]
                return True
            if tag in around:
                return False
        return False


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    style = "".join((attributes.get("style") or "").lower().split())
    return (
        "hidden" in attributes
        or (attributes.get("aria-hidden") or "").lower() == "true"
        or "display:none" in style
        or "visibility:hidden" in style
        or not _HIDDEN_CLASSES.isdisjoint((attributes.get("class") or "").lower().split())
    )
