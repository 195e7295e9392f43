"""A key chosen among many convicts an innocent model; neither a surcharged nor a beacon's key does."""

from __future__ import annotations

import numpy as np
import pytest
from key_grinding import ALPHA, grind, luckiest_key, p_of

from auditor.inference.surcharge import paid_p
from auditor.inference.unit_ranks import rank_sum_test


@pytest.mark.simulation
def test_a_chosen_key_convicts_and_what_is_paid_for_it_acquits() -> None:
    owners = [grind(10, 0.9, np.random.default_rng([seed, 1])) for seed in range(20)]
    assert np.mean([owner.shown <= ALPHA for owner in owners]) > 0.7
    assert not any(owner.paid <= ALPHA for owner in owners)
    assert np.mean([owner.beacon <= ALPHA for owner in owners]) <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / 20) ** 0.5


@pytest.mark.simulation
@pytest.mark.parametrize("bits", [2, 6])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_the_luckiest_of_all_keys_rejects_no_oftener_than_the_level(bits: int, level: float) -> None:
    rng = np.random.default_rng([bits, 2])
    ranks = rng.integers(0, 10, size=(1000, 2**bits, 15))
    best = ranks[np.arange(1000), ranks.sum(axis=2).argmax(axis=1)]
    rejected = np.mean([paid_p(rank_sum_test(row, 9).p_value, bits) <= level for row in best])
    assert rejected <= level + 3 * (level * (1 - level) / 1000) ** 0.5


def test_the_luckiest_key_on_the_accused_model_itself_pays_for_its_luck() -> None:
    rng = np.random.default_rng(3)
    preferences = rng.standard_normal(60)
    shown = p_of(preferences * luckiest_key(preferences, 2**10, rng))
    assert shown < 0.01 < paid_p(shown, 10)
