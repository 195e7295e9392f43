"""Wealth of the betting process, levels of checkpoints, and the surcharge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.inference.betting import anytime_p_values, betting_process, rank_gains, twin_gains
from auditor.inference.spending import checkpoint_level
from auditor.inference.surcharge import paid_p


def test_wealth_is_the_mean_over_bets() -> None:
    gains = np.array([0.5, -1.0, 0.25])
    by_hand = [
        math.log(np.mean([np.prod([1 + bet / 20 * g for g in gains[: n + 1]]) for bet in range(1, 20)]))
        for n in range(3)
    ]
    np.testing.assert_allclose(betting_process(gains), by_hand, rtol=1e-13)
    with pytest.raises(ValueError, match="from -1 to 1"):
        betting_process(np.array([1.5]))
    with pytest.raises(ValueError, match="from -1 to 1"):
        betting_process(np.array([np.nan]))


def test_wealth_of_thousands_of_units_overflows_nothing() -> None:
    assert betting_process(np.ones(5000))[-1] == pytest.approx(5000 * math.log(1.95) - math.log(19))
    assert np.isfinite(betting_process(-np.ones(5000))).all()


def test_the_mean_wealth_over_all_coins_is_one() -> None:
    sizes = np.array([1.0, 0.0, 3.0, 0.2, 7.0, 7.0])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1).T
    final = [betting_process(twin_gains(sizes * row))[-1] for row in signs]
    assert np.mean(np.exp(final)) == pytest.approx(1.0, rel=1e-12)


def test_gains_of_twins_use_the_scale_of_the_past_alone() -> None:
    gains = twin_gains(np.array([0.0, -2.0, 2.0, 1e300, 2.0, 1.0]))
    assert gains[:2].tolist() == [0.0, -1.0]
    assert gains[2:].tolist() == [math.tanh(2 / 1.4), 1.0, math.tanh(2 / 1.4 / 2), math.tanh(1 / 1.4 / 2)]


def test_gains_of_ranks_are_centred() -> None:
    assert rank_gains(np.arange(5), 4).tolist() == [-1, -0.5, 0, 0.5, 1]
    assert rank_gains(np.array([1, 9]), np.array([2, 9])).tolist() == [0, 1]


def test_a_p_value_at_any_time_never_rises() -> None:
    p = anytime_p_values(np.log([0.5, 4.0, 2.0, 10.0]))
    np.testing.assert_allclose(p, [1.0, 0.25, 0.25, 0.1])


def test_levels_of_all_checkpoints_add_up_to_alpha() -> None:
    total = sum(checkpoint_level(number, 0.01) for number in range(1, 20_001))
    assert 0.00999 < total < 0.01
    assert checkpoint_level(1, 0.01) == pytest.approx(0.0060793, rel=1e-4)
    with pytest.raises(ValueError, match="from 1"):
        checkpoint_level(0, 0.01)


@given(st.floats(0, 1), st.integers(0, 60))
def test_the_surcharge_is_a_union_bound(p: float, bits: int) -> None:
    assert paid_p(p, bits) == min(1.0, p * 2**bits)


def test_the_surcharge_refuses_what_is_no_p_value() -> None:
    assert paid_p(1.0, 5000) == 1.0
    for p, bits in ((1.1, 0), (-0.1, 0), (0.5, -1), (math.nan, 0)):
        with pytest.raises(ValueError, match="p-value"):
            paid_p(p, bits)
