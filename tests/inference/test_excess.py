from __future__ import annotations

import numpy as np
import pytest
from simulate import named_columns

from auditor.inference.excess import excess_auc
from auditor.inference.separability import separability
from auditor.results.rows import Rows
from auditor.results.separability import Separability

SUSPECT = np.arange(120) < 60


def engine(values: np.ndarray, seed: int) -> Separability:
    rows = Rows(values, SUSPECT, tuple(f"g{number}" for number in range(120)), named_columns(values.shape[1]))
    return separability(rows, rng=np.random.default_rng([seed, 1]), alpha=0.05, permutations=99, bootstraps=2)


def test_difference_by_hand():
    rng = np.random.default_rng(0)
    ours = engine(rng.standard_normal((120, 3)) + SUSPECT[:, None], 0)
    theirs = engine(rng.standard_normal((120, 3)) + 0.5 * SUSPECT[:, None], 1)
    found = excess_auc(ours, theirs, SUSPECT, level=0.95, rng=np.random.default_rng(0), bootstraps=500)
    assert found.difference == pytest.approx(ours.auc - theirs.auc)
    assert found.lower < found.difference
    looser = excess_auc(ours, theirs, SUSPECT, level=0.6, rng=np.random.default_rng(0), bootstraps=500)
    assert found.lower < looser.lower
    wider = excess_auc(
        ours.model_copy(update={"refit_widening": 2 * max(ours.refit_widening, theirs.refit_widening)}),
        theirs,
        SUSPECT,
        level=0.95,
        rng=np.random.default_rng(0),
        bootstraps=500,
    )
    assert wider.difference - wider.lower == pytest.approx(2 * (found.difference - found.lower))


def test_text_below_one_half_counts_as_one_half():
    rng = np.random.default_rng(0)
    ours = engine(rng.standard_normal((120, 3)) + SUSPECT[:, None], 0)
    backwards = ours.model_copy(update={"scores": tuple(-score for score in ours.scores)})
    found = excess_auc(ours, backwards, SUSPECT, level=0.95, rng=np.random.default_rng(0))
    assert found.difference == pytest.approx(ours.auc - 0.5)
    assert found.lower > 0


def test_membership_that_repeats_the_text_has_no_excess():
    values = np.random.default_rng(0).standard_normal((120, 3)) + 2 * SUSPECT[:, None]
    same = engine(values, 0)
    found = excess_auc(same, same, SUSPECT, level=0.95, rng=np.random.default_rng(0))
    assert found.difference == 0.0
    assert found.lower <= 0.0


@pytest.mark.simulation
@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_bound_errs_at_most_as_often_as_stated(shift: float):
    """Both scores see the same shift through their own noise, so the true excess is zero or less."""
    above = 0
    for seed in range(150):
        rng = np.random.default_rng([seed, 2])
        ours = engine(rng.standard_normal((120, 4)) + shift * SUSPECT[:, None], seed)
        theirs = engine(rng.standard_normal((120, 4)) + shift * SUSPECT[:, None], seed + 10_000)
        above += excess_auc(ours, theirs, SUSPECT, level=0.9, rng=rng, bootstraps=200).lower > 0
    assert above <= 150 * 0.1 + 3 * np.sqrt(150 * 0.09)


def test_rows_must_match():
    ours = engine(np.random.default_rng(0).standard_normal((120, 2)), 0)
    with pytest.raises(ValueError, match="rows differ"):
        excess_auc(ours, ours, SUSPECT[1:], level=0.95, rng=np.random.default_rng(0))
