"""Where a sentence may be put into a text: after a sentence inside a paragraph of prose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# A mark that ends a sentence in scripts with spaces, then closing quotes; or one of those that need no space after it.
_END = re.compile(r"""[.!?…؟۔।॥።]+["'”’“‘»«)\]]*(?=\s|\Z)|[。！？｡]+[」』”’）》]*""")
_LAST_WORD = re.compile(r"[\w.’'-]{1,24}\Z")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st sr jr rev hon gen col capt lt sgt no nos vol vols fig figs eq eqs ch sec pp p ed eds cf al "
    "etc vs viz approx est dept inc ltd co corp jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri "
    "sat sun bzw ca usw nr abs art bd hrsg vgl z.b d.h u.a e.g i.e u.s u.k a.m p.m ph.d".split()
)
_NUMBERED = re.compile(r"(?:\d+|[ivxlc]+|\w)\Z", re.IGNORECASE)
_BRACKETS = ("([「『（《", ")]」』）》")
# Which of two opens differs between languages; that a pair is complete does not.
_QUOTES = ('"', "“”„", "«»")


def points_in(text: str, paragraphs: Iterable[tuple[int, int]], closed: Iterable[tuple[int, int]] = ()) -> list[int]:
    """Positions right after sentences that another sentence of the same paragraph follows.

    Args:
        text: The text of a document.
        paragraphs: Its paragraphs of prose, as ranges of characters in order.
        closed: Ranges of characters, in order, in which nothing may be put: code, links.

    Returns:
        Positions in order, without the first and the last sentence end of all paragraphs.
    """
    ends: list[tuple[int, bool]] = []
    for start, stop in paragraphs:
        found = list(_ends(text, start, stop))
        ends += [(end, end != stop and calm) for end, calm in found]
    barred = _Ranges(closed)
    return [end for end, inside in ends[1:-1] if inside and not barred.hold(end)]


class _Ranges:
    """Ranges in order, asked for positions in order."""

    def __init__(self, ranges: Iterable[tuple[int, int]]) -> None:
        self._left = iter(ranges)
        self._range: tuple[int, int] | None = next(self._left, None)

    def hold(self, position: int) -> bool:
        while self._range is not None and self._range[1] <= position:
            self._range = next(self._left, None)
        return self._range is not None and self._range[0] < position


def _ends(text: str, start: int, stop: int) -> Iterator[tuple[int, bool]]:
    """Sentence ends of a paragraph, each with whether no quotation or bracket is open there."""
    last = len(text[start:stop].rstrip()) + start
    position, calm = start, _Balance()
    for match in _END.finditer(text, start, stop):
        calm.read(text[position : match.end()])
        position = match.end()
        if position >= last:
            yield stop, False
        elif _goes_on(text, match, start):
            yield position, calm.closed


class _Balance:
    """Whether quotations and brackets are closed: what is put inside of one would be somebody's words."""

    def __init__(self) -> None:
        self._depth = 0
        self._marks = dict.fromkeys(_QUOTES, 0)

    def read(self, passage: str) -> None:
        opened, closed = (sum(map(passage.count, signs)) for signs in _BRACKETS)
        self._depth = max(0, self._depth + opened - closed)
        for signs in _QUOTES:
            self._marks[signs] += sum(map(passage.count, signs))

    @property
    def closed(self) -> bool:
        return self._depth == 0 and all(count % 2 == 0 for count in self._marks.values())


def _goes_on(text: str, match: re.Match[str], start: int) -> bool:
    """Whether a mark ends a sentence that is followed by another, and no abbreviation or number of a list."""
    after = text[match.end() : match.end() + 80].lstrip()
    if not after or after[0].islower() or after[0] in ".,;:-–—":
        return False
    if not match.group().startswith(".") or match.group().startswith(".."):
        return True
    word = _LAST_WORD.search(text, max(start, match.start() - 24), match.start())
    if word is None:
        return False
    bare = word.group().lower().strip("'’.")
    if bare in _ABBREVIATIONS or "." in bare or (len(bare) == 1 and bare.isalpha()):
        return False
    # "1. Take it." is an item of a list.
    return not (_NUMBERED.match(bare) and not text[start : word.start()].strip())
