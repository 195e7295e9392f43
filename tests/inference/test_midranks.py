from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from auditor.inference.midranks import midranks


@pytest.mark.parametrize("seed", range(20))
def test_ranks_are_those_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Rounding makes ties.
    values = np.round(rng.normal(size=(rng.integers(1, 60), 4)), seed % 4)
    values[rng.random(values.shape) < 0.1] = rng.choice([np.inf, -np.inf])
    np.testing.assert_array_equal(midranks(values), rankdata(values, axis=0))
    values[rng.random(values.shape) < 0.1] = np.nan
    np.testing.assert_array_equal(midranks(values), rankdata(values, axis=0, nan_policy="omit"))


def test_a_column_without_values_has_no_ranks() -> None:
    assert np.isnan(midranks(np.full((3, 1), np.nan))).all()
