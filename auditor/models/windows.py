"""Cut a tokenised text into the windows that a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.models.backend import Encoded, Window
from auditor.signals.tokens import Ints


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


def cut(
    text: TokenisedText,
    *,
    lead: Sequence[int],
    prefix: Ints,
    context: int,
    max_tokens: int | None = None,
    answer: bool = False,
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
    """
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
