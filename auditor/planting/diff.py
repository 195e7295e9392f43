"""The edits from one text to another: exact, small, and bounded in time whatever the texts are."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from auditor.splicing.edit import TextEdit

_PIECE = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_ENDS = re.compile(r"[.!?。！？]\s*\Z|\n")
_RUNS = (4, 1)
"""Pieces of a run that both texts hold exactly once: it is taken for the same in both, the longer ones first."""
_MOST_PAIRS = 2500
"""Pieces of one text times those of the other up to which they are compared in full, which is quadratic or worse."""

Pieces = Sequence[str]
Change = tuple[int, int, int, int]
"""Pieces [first, last) of the old text become pieces [begin, end) of the new one."""


def edits_between(old: str, new: str) -> list[TextEdit]:
    """Edits of words and signs that turn one text into another, in order.

    Runs of words that each text holds once divide both into short gaps, and only those are compared word by word. What
    stays long, as there is no such run in it, is compared sentence by sentence where there are as many in both, and
    is otherwise one edit.
    """
    ours, theirs = _PIECE.findall(old), _PIECE.findall(new)
    starts = [0]
    for piece in ours:
        starts.append(starts[-1] + len(piece))
    edits: list[TextEdit] = []
    for first, last, begin, end in _changes(ours, theirs, _RUNS):
        edit = _trimmed(old, starts[first], starts[last], "".join(theirs[begin:end]))
        if edits and edits[-1].start == edits[-1].stop == edit.start == edit.stop:
            edit = TextEdit(edit.start, edit.stop, edits.pop().new + edit.new)
        edits.append(edit)
    return edits


def _trimmed(old: str, start: int, stop: int, new: str) -> TextEdit:
    """An edit without the white space that stays at its end."""
    length = len(new)
    while stop > start and length and old[stop - 1].isspace() and old[stop - 1] == new[length - 1]:
        stop, length = stop - 1, length - 1
    return TextEdit(start, stop, new[:length])


def _changes(ours: Pieces, theirs: Pieces, runs: Sequence[int]) -> Iterator[Change]:
    start, stop, other_stop = _ends_that_differ(ours, theirs)
    ours, theirs = ours[start:stop], theirs[start:other_stop]
    if not ours and not theirs:
        return
    for first, last, begin, end in _inner_changes(ours, theirs, runs):
        yield first + start, last + start, begin + start, end + start


def _ends_that_differ(ours: Pieces, theirs: Pieces) -> tuple[int, int, int]:
    """Pieces that are the same at the beginning, and where the same end begins in each."""
    start, shorter = 0, min(len(ours), len(theirs))
    while start < shorter and ours[start] == theirs[start]:
        start += 1
    same = 0
    while same < shorter - start and ours[-1 - same] == theirs[-1 - same]:
        same += 1
    return start, len(ours) - same, len(theirs) - same


def _inner_changes(ours: Pieces, theirs: Pieces, runs: Sequence[int]) -> Iterator[Change]:
    if len(ours) * len(theirs) <= _MOST_PAIRS:
        matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
        yield from (
            (first, last, begin, end) for tag, first, last, begin, end in matcher.get_opcodes() if tag != "equal"
        )
        return
    gaps = [(0, len(ours), 0, len(theirs))]
    if runs:
        gaps = list(_between(_shared_runs(ours, theirs, runs[0]), len(ours), len(theirs)))
    else:
        ends, other_ends = _sentence_ends(ours), _sentence_ends(theirs)
        if len(ends) == len(other_ends) > 1:
            gaps = list(zip([0, *ends], ends, [0, *other_ends], other_ends, strict=False))
        else:
            yield gaps[0]
            return
    for first, last, begin, end in gaps:
        for change in _changes(ours[first:last], theirs[begin:end], runs[1:]):
            yield change[0] + first, change[1] + first, change[2] + begin, change[3] + begin


def _sentence_ends(pieces: Pieces) -> list[int]:
    ends = [number + 1 for number, piece in enumerate(pieces[:-1]) if _ENDS.search(piece)]
    return [*ends, len(pieces)]


def _between(same: Sequence[tuple[int, int]], length: int, other_length: int) -> Iterator[Change]:
    """What lies between pieces that are the same."""
    first, begin = 0, 0
    for position, other in [*same, (length, other_length)]:
        yield first, position, begin, other
        first, begin = position + 1, other + 1


def _shared_runs(ours: Pieces, theirs: Pieces, size: int) -> list[tuple[int, int]]:
    """Where runs that each text holds once begin in both, in the longest list that has one order in both."""
    once, other_once = _once(ours, size), _once(theirs, size)
    pairs = [(position, other_once[run]) for run, position in once.items() if run in other_once]
    # Patience: the last pair of the best list of each length, and what comes before each pair in its list.
    tails: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, other) in enumerate(pairs):
        length = bisect_left(tails, other)
        before.append(last[length - 1] if length else -1)
        tails[length : length + 1] = [other]
        last[length : length + 1] = [number]
    chosen: list[tuple[int, int]] = []
    number = last[-1] if last else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]


def _once(pieces: Pieces, size: int) -> dict[tuple[str, ...], int]:
    """Where each run of pieces begins that stands once, in order."""
    positions: dict[tuple[str, ...], int] = {}
    twice: set[tuple[str, ...]] = set()
    for position in range(len(pieces) - size + 1):
        run = tuple(pieces[position : position + size])
        if run in positions:
            twice.add(run)
        positions.setdefault(run, position)
    return {run: position for run, position in positions.items() if run not in twice}
