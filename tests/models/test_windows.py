"""Cutting texts into windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.models.windows import TokenisedText, cut

NONE = np.zeros(0, dtype=np.int32)


def text(n: int, width: int = 3) -> TokenisedText:
    """Tokens 100, 101, ... of `width` characters each."""
    ids = np.arange(100, 100 + n, dtype=np.int32)
    starts = np.arange(n, dtype=np.int32) * width
    return TokenisedText(ids, starts, starts + width, 0, n * width)


def test_short_text_with_bos_is_scored_whole() -> None:
    (window,) = cut(text(5), lead=[7], prefix=NONE, context=16).windows
    assert window.token_ids.tolist() == [7, 100, 101, 102, 103, 104]
    assert (window.context, window.scored) == (1, 5)
    assert window.starts.tolist() == [0, 3, 6, 9, 12]
    assert (window.char_start, window.char_end) == (0, 15)


def test_without_bos_the_first_token_is_context() -> None:
    (window,) = cut(text(5), lead=[], prefix=NONE, context=16).windows
    assert window.token_ids.tolist() == [100, 101, 102, 103, 104]
    assert (window.context, window.scored) == (1, 4)
    assert window.starts.tolist() == [3, 6, 9, 12]
    assert (window.char_start, window.char_end) == (3, 15)


def test_long_text_is_cut_each_window_with_bos() -> None:
    encoded = cut(text(10), lead=[7], prefix=NONE, context=5)
    assert [window.token_ids.tolist() for window in encoded.windows] == [
        [7, 100, 101, 102, 103],
        [7, 104, 105, 106, 107],
        [7, 108, 109],
    ]
    assert [(w.char_start, w.char_end) for w in encoded.windows] == [(0, 12), (12, 24), (24, 30)]
    assert not encoded.truncated


def test_long_text_without_bos_gives_up_one_token_a_window() -> None:
    encoded = cut(text(9), lead=[], prefix=NONE, context=4)
    assert [window.token_ids.tolist() for window in encoded.windows] == [[100, 101, 102, 103], [104, 105, 106, 107]]
    assert [window.scored for window in encoded.windows] == [3, 3]


@pytest.mark.parametrize(("lead", "n"), [([], 0), ([], 1), ([7], 0)])
def test_nothing_to_score_is_no_window(lead: list[int], n: int) -> None:
    assert cut(text(n), lead=lead, prefix=NONE, context=8).windows == ()


def test_a_limit_on_tokens_is_said() -> None:
    encoded = cut(text(10), lead=[7], prefix=NONE, context=5, max_tokens=6)
    assert sum(window.scored for window in encoded.windows) == 6
    assert encoded.truncated
    assert encoded.windows[-1].char_end == 18
    assert not cut(text(6), lead=[7], prefix=NONE, context=5, max_tokens=6).truncated


@pytest.mark.parametrize("lead", [[], [7]])
def test_behind_a_prefix_the_first_scored_tokens_are_the_same(lead: list[int]) -> None:
    plain = cut(text(30), lead=lead, prefix=NONE, context=16)
    repeated = cut(text(30), lead=lead, prefix=text(30).ids, context=16)
    (window,) = repeated.windows
    assert len(window) == 16
    assert repeated.truncated
    scored = window.token_ids[window.context :]
    as_is = np.concatenate([w.token_ids[w.context :] for w in plain.windows])
    assert scored.tolist() == as_is[: len(scored)].tolist()
    # Half the window is the beginning of the prefix.
    half = (16 - len(lead)) // 2
    assert window.token_ids[len(lead) : len(lead) + half].tolist() == text(30).ids[:half].tolist()


def test_a_short_repetition_fits_whole() -> None:
    (window,) = cut(text(4), lead=[7], prefix=text(4).ids, context=64).windows
    assert window.token_ids.tolist() == [7, 100, 101, 102, 103, 100, 101, 102, 103]
    assert window.scored == 4


def test_characters_of_several_tokens_are_counted_once() -> None:
    # Three tokens a character, cut within a character.
    starts = np.arange(9, dtype=np.int32) // 3
    whole = TokenisedText(np.arange(9, dtype=np.int32), starts, starts + 1, 0, 3)
    encoded = cut(whole, lead=[7], prefix=NONE, context=5)
    spans = [(w.char_start, w.char_end) for w in encoded.windows]
    assert sum(end - start for start, end in spans) == 3
    assert cut(whole, lead=[], prefix=NONE, context=16).windows[0].char_start == 0


@given(
    n=st.integers(0, 60),
    lead=st.lists(st.integers(0, 5), max_size=2),
    context=st.integers(8, 20),
    limit=st.none() | st.integers(0, 70),
)
def test_windows_tile_the_text(n: int, lead: list[int], context: int, limit: int | None) -> None:
    encoded = cut(text(n), lead=lead, prefix=NONE, context=context, max_tokens=limit)
    read = n if limit is None else min(n, limit)
    ids = [token for window in encoded.windows for token in window.token_ids[len(lead) :].tolist()]
    # Without BOS a last window of one token has nothing to score and is left out.
    assert ids == list(range(100, 100 + read)) or (not lead and ids == list(range(100, 100 + read - 1)))
    assert all(len(window) <= context for window in encoded.windows)
    assert all(window.scored == len(window.starts) == len(window.ends) for window in encoded.windows)
    if lead:
        assert sum(window.char_end - window.char_start for window in encoded.windows) == 3 * read
    assert encoded.truncated == (read < n)
