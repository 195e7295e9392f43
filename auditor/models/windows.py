"""Cut a tokenised text into the windows that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auditor.models.backend import Encoded, Window
from auditor.signals.tokens import Bools, Ints
from auditor.signals.views import Span


@dataclass(frozen=True, slots=True)
class TokenisedText:
    """Token ids of a text and the characters of each.

    Attributes:
        ids: [n] token ids without special tokens in front.
        starts: [n] first character of each token.
        ends: [n] one past its last.
        begin: First character of the text; above 0 where special tokens at its start were dropped.
        length: Characters of the text.
    """

    ids: Ints
    starts: Ints
    ends: Ints
    begin: int
    length: int


def count_tokens(tokens: TokenisedText, text: str, spans: Sequence[Span]) -> Bools:
    """Which tokens [n] lie in one of the spans of a text.

    A token that reaches over the edge of a span counts where it holds nothing but white space outside it, as the space
    before the first word of an answer; a token with letters of both sides belongs to neither.
    """
    counted = np.zeros(len(tokens.ids), dtype=np.bool_)
    for start, end in spans:
        inside = (tokens.ends > start) & (tokens.starts < end) & (tokens.ends > tokens.starts)
        across = np.flatnonzero(inside & ((tokens.starts < start) | (tokens.ends > end)))
        for index in across.tolist():
            outside = text[int(tokens.starts[index]) : start] + text[end : int(tokens.ends[index])]
            inside[index] = not outside.strip()
        counted |= inside
    return counted


def cut(
    text: TokenisedText,
    *,
    lead: Sequence[int],
    prefix: Ints,
    context: int,
    max_tokens: int | None = None,
    answer: bool = False,
    counted: Bools | None = None,
) -> Encoded:
    """Cut a text into consecutive windows that do not overlap, each with the special tokens in front.

    Without special tokens in front, the first token of a window has no distribution of its own; it is read and not
    scored. With a prefix there is one window: its first half is for the beginning of the prefix, and as much of the
    text is scored as fits after it. These are the first tokens scored without the prefix, so that the two can be
    compared token by token; hence a first token that is not scored without a prefix is not scored after one either.

    Args:
        text: The text to score.
        lead: Special tokens in front of every window.
        prefix: Token ids read before the text; empty for none.
        context: Longest window in tokens.
        max_tokens: Read at most this many tokens of the text.
        answer: The text answers the prefix (see `Prompt`): it is scored from its first token on, and a prefix that is
            too long loses its beginning.
        counted: [n] the tokens that count, where only parts of the text do. Then the limit is on their number, windows
            overlap by half so that each token is read after what stands before it, and nothing is read behind the last
            of them.
    """
    if counted is not None:
        return _cut_parts(text, counted, lead=lead, prefix=prefix, context=context, max_tokens=max_tokens)
    total = len(text.ids) if max_tokens is None else min(len(text.ids), max_tokens)
    front = np.asarray(lead, dtype=np.int32)
    skipped = 0 if len(front) else 1
    if len(prefix) and answer:
        fitting = min(total, context - len(front) - 1)
        front = np.concatenate([front, prefix[-(context - len(front) - fitting) :]])
        return Encoded((_window(text, front, 0, fitting, 0),), truncated=fitting < len(text.ids))
    if len(prefix):
        front = np.concatenate([front, prefix[: (context - len(front)) // 2]])
        fitting = min(total, context - len(front))
        windows = [_window(text, front, 0, fitting, skipped)]
        return Encoded(tuple(windows), truncated=fitting < len(text.ids))
    step = context - len(front)
    windows = [_window(text, front, start, min(start + step, total), skipped) for start in range(0, total, step)]
    return Encoded(tuple(window for window in windows if window.scored > 0), truncated=total < len(text.ids))


def _window(text: TokenisedText, front: Ints, first: int, last: int, skipped: int) -> Window:
    scored = min(first + skipped, last)
    char_start = char_end = 0
    if scored < last:
        char_start = int(text.ends[scored - 1]) if scored else text.begin
        if scored > first:
            # The token not scored may end within a character that the first scored token completes.
            char_start = min(char_start, int(text.starts[scored]))
        char_end = text.length if last == len(text.ids) else int(text.ends[last - 1])
    return Window(
        token_ids=np.concatenate([front, text.ids[first:last]]).astype(np.int32),
        context=len(front) + scored - first,
        starts=text.starts[scored:last],
        ends=text.ends[scored:last],
        char_start=char_start,
        char_end=char_end,
    )


def _cut_parts(
    text: TokenisedText, counted: Bools, *, lead: Sequence[int], prefix: Ints, context: int, max_tokens: int | None
) -> Encoded:
    """Windows of a text of which only some tokens count; see `cut`."""
    wanted = np.flatnonzero(counted)
    wanted, rest = (wanted, wanted[:0]) if max_tokens is None else (wanted[:max_tokens], wanted[max_tokens:])
    front = np.asarray(lead, dtype=np.int32)
    skipped = 0 if len(front) else 1
    windows = []
    if len(prefix):
        front = np.concatenate([front, prefix[: (context - len(front)) // 2]])
        fitting = wanted[wanted < context - len(front)]
        windows = _part_window(text, counted, front, 0, fitting, skipped)
        return Encoded(tuple(windows), truncated=len(fitting) < len(wanted) + len(rest))
    step = context - len(front)
    while len(wanted):
        first = int(wanted[0])
        start = 0 if first < step else first - step // 2
        within = wanted[wanted < start + step]
        windows += _part_window(text, counted, front, start, within, skipped)
        wanted = wanted[len(within) :]
    return Encoded(tuple(windows), truncated=len(rest) > 0)


def _part_window(
    text: TokenisedText, counted: Bools, front: Ints, start: int, wanted: npt.NDArray[np.intp], skipped: int
) -> list[Window]:
    """The window that reads from a token on and scores some of the tokens that count; none where it scores nothing."""
    wanted = wanted[wanted >= start + skipped]
    if not len(wanted):
        return []
    first, last = int(wanted[0]), int(wanted[-1]) + 1
    return [
        Window(
            token_ids=np.concatenate([front, text.ids[start:last]]).astype(np.int32),
            context=len(front) + first - start,
            starts=text.starts[first:last],
            ends=text.ends[first:last],
            char_start=int(text.starts[first]),
            char_end=int(text.ends[last - 1]),
            counted=counted[first:last],
        )
    ]
