"""Prompts that ask: the whole answer is scored, behind as much of the end of the question as fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auditor.models.loading import open_model
from auditor.models.windows import TokenisedText, cut
from auditor.scoring.plan import Request, record_key
from auditor.signals.views import Prompt


def _text(n: int) -> TokenisedText:
    """Tokens 100, 101, ... of three characters each."""
    starts = np.arange(n, dtype=np.int32) * 3
    return TokenisedText(np.arange(100, 100 + n, dtype=np.int32), starts, starts + 3, 0, n * 3)


QUESTION = np.arange(20, dtype=np.int32)


@pytest.mark.parametrize("lead", [[], [7]])
def test_the_answer_is_scored_from_its_first_token(lead: list[int]) -> None:
    encoded = cut(_text(2), lead=lead, prefix=QUESTION[:4], context=16, answer=True)
    (window,) = encoded.windows
    assert window.token_ids.tolist() == [*lead, 0, 1, 2, 3, 100, 101]
    assert (window.scored, window.char_start, window.char_end) == (2, 0, 6)
    assert window.starts.tolist() == [0, 3]
    assert not encoded.truncated


@pytest.mark.parametrize("lead", [[], [7]])
def test_of_a_long_question_the_end_is_kept(lead: list[int]) -> None:
    (window,) = cut(_text(3), lead=lead, prefix=QUESTION, context=10, answer=True).windows
    assert window.token_ids.tolist() == [*lead, *range(13 + len(lead), 20), 100, 101, 102]
    assert (len(window), window.scored) == (10, 3)


def test_an_answer_longer_than_the_context_is_cut_and_says_so() -> None:
    encoded = cut(_text(30), lead=[7], prefix=QUESTION, context=10, answer=True)
    (window,) = encoded.windows
    assert window.token_ids.tolist() == [7, 19, *range(100, 108)]
    assert encoded.truncated


def test_other_prompts_are_cut_as_before() -> None:
    (window,) = cut(_text(3), lead=[], prefix=QUESTION, context=10).windows
    assert window.token_ids.tolist() == [0, 1, 2, 3, 4, 100, 101, 102]
    assert window.scored == 2


def test_answers_are_kept_apart_in_the_store(tiny_model_dir: Path) -> None:
    spec = open_model(str(tiny_model_dir))
    plain, answer = (Request(spec, Prompt("a", "b", answer=asked)) for asked in (False, True))
    assert record_key(plain, None) != record_key(answer, None)
