from __future__ import annotations

import math

import numpy as np
import pytest

from auditor.forgetting.measures.contrasts import measure_contrasts
from auditor.forgetting.measures.memorisation import (
    events_until,
    exact_memorisation,
    extraction_strength,
    k_extractable,
)
from auditor.results.forgetting.policy import ForgettingPolicy


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


def hits(count: int) -> list[int]:
    return [1] * count + [0] * (20 - count)


def test_crossings_by_hand():
    above = np.array([[1, 0, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], dtype=bool)
    found = events_until(above, 0.04)
    assert (found.memorised, found.forgotten, found.learned, found.events) == (2, 2, 2, 3)
    assert found.expected == pytest.approx(0.2)
    first = events_until(above[:, :1], 0.04)
    assert (first.memorised, first.forgotten, first.learned, first.events) == (3, 0, 0, 0)


def test_the_line_moves_with_the_heldout_documents(record, series):
    """Everything is predicted better at the second checkpoint, held-out too: nobody became memorised by that."""
    heldout = [[record(hits=hits(number % 5)), record(hits=hits(number % 5 + 10))] for number in range(40)]
    # Between the two lines at first, and between them still: memorised then, and not now.
    known = [[record(hits=hits(18)), record(hits=hits(19))], [record(hits=hits(9)), record(hits=hits(9))]]
    plain = [[record(hits=hits(number % 5)), record(hits=hits(number % 5 + 10))] for number in range(9)]
    made = series({"suspect": known + plain, "heldout": heldout})
    found = measure_contrasts(
        made,
        "suspect",
        reference=None,
        rng=np.random.default_rng(0),
        permutations=99,
        bootstraps=50,
        policy=ForgettingPolicy(),
        alpha=0.05,
        power=0.8,
    )
    first, second = (contrast.events for contrast in found.values())
    assert (first.memorised, first.forgotten, first.learned, first.events) == (2, 0, 0, 0)
    assert (second.memorised, second.forgotten, second.learned, second.events) == (1, 1, 0, 1)
    # A fifth of the held-out documents tie at the line, and a tie is not above it.
    assert first.expected == second.expected == 0.0
