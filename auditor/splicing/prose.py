"""Paragraphs of prose in plain text and Markdown, without front matter, code, tables, headings, quotes and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.splicing.sentences import points_in

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,9}[.)])\s+")
_RULER = re.compile(r"\s*(?:=+|-+|\*[\s*]+|_[\s_]+)\s*\Z")
_DELIMITERS = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?\s*\Z")
# A heading, a table, a quotation, a definition of a link, markup, display mathematics.
_NO_PROSE = re.compile(r"\s*(?:#{1,6}(?:\s|\Z)|\||>|\[[^\]]{1,200}\]:|<|\$\$|:::)")
_INDENTED = re.compile(r"(?: {4}|\t)")
_LINK = re.compile(r"\]\(|\]\[|https?://|\[\[")
_CLOSED = re.compile(
    r"`[^`]{1,500}`|!?\[[^\]]{0,300}\](?:\([^)]{0,500}\)|\[[^\]]{0,100}\])|<[^<>]{1,300}>|\$[^$]{1,300}\$|https?://\S{1,500}"
)
_FRONT = {"---": ("---", "..."), "+++": ("+++",), ";;;": (";;;",)}


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str

    @property
    def stop(self) -> int:
        return self.start + len(self.text)


def prose_points(text: str, *, indented_code: bool = False) -> tuple[int, ...]:
    """Where a sentence may be put into a document, as `SpliceableFile.insertion_points` says.

    Args:
        text: The document: prose, plain or with Markdown.
        indented_code: Whether a paragraph indented by four spaces is code, as in Markdown.
    """
    paragraphs = [
        part for block in _blocks(_without_front_matter(text)) for part in _paragraphs(block, indented=indented_code)
    ]
    closed = [match.span() for start, stop in paragraphs for match in _CLOSED.finditer(text, start, stop)]
    return tuple(points_in(text, paragraphs, closed))


def _lines(text: str) -> list[_Line]:
    return [_Line(match.start(), match.group()) for match in _LINE.finditer(text) if match.group()]


def _without_front_matter(text: str) -> list[_Line]:
    lines = _lines(text)
    ends = _FRONT.get(lines[0].text.rstrip()) if lines else None
    if ends is None:
        return lines
    close = next((at for at, line in enumerate(lines[1:], start=1) if line.text.rstrip() in ends), None)
    return lines if close is None else lines[close + 1 :]


def _blocks(lines: list[_Line]) -> Iterator[list[_Line]]:
    """Runs of lines without a blank one; code between fences and comments are left out."""
    block: list[_Line] = []
    until: re.Pattern[str] | None = None
    for line in lines:
        if until is not None:
            until = None if until.search(line.text) else until
            continue
        until = _opened(line.text)
        if until is None and line.text.strip():
            block.append(line)
            continue
        yield block
        block = []
    yield block


def _opened(line: str) -> re.Pattern[str] | None:
    """What closes the code or comment that a line opens; None where it opens none."""
    fence = _FENCE.match(line)
    if fence is not None:
        return re.compile(rf" {{0,3}}{re.escape(fence.group(1))}{re.escape(fence.group(1)[0])}*\s*\Z")
    _, opening, after = line.rpartition("<!--")
    if opening and "-->" not in after:
        return re.compile("-->")
    if line.strip() == "$$":
        return re.compile(r"\$\$")
    return None


def _paragraphs(block: list[_Line], *, indented: bool) -> Iterator[tuple[int, int]]:
    """The paragraphs of a block: the block itself, or the items of a list and what stands before them."""
    if any(_DELIMITERS.match(line.text) for line in block) or (
        indented and all(_INDENTED.match(line.text) for line in block)
    ):
        return
    part: list[_Line] = []
    for line in block:
        if _RULER.match(line.text):
            # Under a paragraph, a ruler makes a heading of it.
            part = []
        elif _NO_PROSE.match(line.text):
            yield from _ranges(part)
            part = []
        elif _ITEM.match(line.text):
            yield from _ranges(part)
            part = [line]
        else:
            part.append(line)
    yield from _ranges(part)


def _ranges(part: list[_Line]) -> Iterator[tuple[int, int]]:
    is_link = part and _ITEM.match(part[0].text) and any(_LINK.search(line.text) for line in part)
    if part and not is_link:
        last = part[-1]
        yield part[0].start, last.start + len(last.text.rstrip())
