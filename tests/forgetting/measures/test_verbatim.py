from __future__ import annotations

import math

import numpy as np
import pytest

from auditor.forgetting.measures.verbatim import exact_memorisation, extraction_strength, k_extractable


def test_exact_memorisation_counts_the_last_token_too(record):
    assert exact_memorisation(record(hits=[1, 0, 1, 0, 0])) == pytest.approx(2 / 5)
    assert exact_memorisation(record(hits=[0, 0, 0, 1])) == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    ("hits", "strength"),
    [
        ([1, 1, 1, 1, 1], 1.0),
        ([0, 1, 1, 1, 1], 4 / 5),
        ([1, 1, 0, 1, 1], 2 / 5),
        ([0, 0, 0, 0, 1], 1 / 5),
        ([1, 1, 1, 1, 0], 0.0),
    ],
)
def test_extraction_strength_by_hand(record, hits: list[int], strength: float):
    assert extraction_strength(record(hits=hits)) == pytest.approx(strength)


@pytest.mark.parametrize("tokens", [1, 5, 20])
def test_nothing_extracted_is_zero_at_any_length(record, tokens: int):
    """Elsewhere the floor is 1/n: 0.2 for five tokens, 0.05 for twenty."""
    assert extraction_strength(record(hits=[0] * tokens)) == 0.0


def test_extraction_strength_of_several_windows(record):
    """Windows of 4, 4 and 2 tokens with closing runs of 3, 0 and 2."""
    hits = [0, 1, 1, 1, 1, 1, 1, 0, 1, 1]
    assert extraction_strength(record(hits=hits, windows=[4, 4, 2])) == pytest.approx(5 / 10)
    # In one window the same hits end in a run of two.
    assert extraction_strength(record(hits=hits)) == pytest.approx(2 / 10)


def test_a_long_memorised_text_is_no_weaker_than_a_short_one(record):
    """The first token of each window is missed, as it has no context: the strength must not fall with the windows."""
    window = [0, *[1] * 9]
    one, many = record(hits=window), record(hits=window * 8, windows=[10] * 8)
    assert extraction_strength(one) == extraction_strength(many) == pytest.approx(0.9)


def test_k_extractable(record):
    right = [0] * 50 + [1] * 50
    assert k_extractable(record(hits=right)) == 1.0
    assert k_extractable(record(hits=[*right, 0, 0])) == 1.0
    for missed in (50, 73, 99):
        wrong = list(right)
        wrong[missed] = 0
        assert k_extractable(record(hits=wrong)) == 0.0


def test_k_extractable_needs_a_hundred_tokens_of_one_window(record):
    assert math.isnan(k_extractable(record(hits=[1] * 99)))
    assert math.isnan(k_extractable(record(hits=[1] * 160, windows=[80, 80])))
    assert k_extractable(record(hits=[1] * 160, windows=[100, 60])) == 1.0


def test_no_tokens_no_figures(record):
    empty = record(tokens=0)
    assert np.isnan([exact_memorisation(empty), extraction_strength(empty), k_extractable(empty)]).all()
