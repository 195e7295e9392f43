from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student
from scipy.stats import ttest_ind, ttest_rel

from auditor.inference.equivalence import MeanGap, detectable_difference, equivalence_pvalue, mean_gap

pytestmark = pytest.mark.long

NO_PAIRS = np.empty((0, 2), dtype=np.intp)


def sides(*counts: int) -> np.ndarray:
    return np.arange(sum(counts)) < counts[0]


def test_mean_gap_is_welch():
    values = np.random.default_rng(0).standard_normal(30) * np.where(sides(10, 20), 3.0, 1.0)
    gap = mean_gap(values, sides(10, 20), NO_PAIRS)
    expected = ttest_ind(values[:10], values[10:], equal_var=False)
    assert gap.difference / gap.standard_error == pytest.approx(expected.statistic)
    assert gap.degrees == pytest.approx(expected.df)
    pooled = (9 * values[:10].var(ddof=1) + 19 * values[10:].var(ddof=1)) / 28
    assert gap.spread == pytest.approx(np.sqrt(pooled))


def test_mean_gap_of_pairs_is_the_paired_t():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.standard_normal(8), rng.standard_normal(8)]) + np.tile(rng.standard_normal(8) * 9, 2)
    pairs = np.column_stack([np.arange(8), np.arange(8) + 8])
    gap = mean_gap(values, sides(8, 8), pairs)
    expected = ttest_rel(values[:8], values[8:])
    assert gap.difference / gap.standard_error == pytest.approx(expected.statistic)
    assert gap.degrees == pytest.approx(7)


def test_mean_gap_needs_two_a_side():
    with pytest.raises(ValueError, match="two rows a side"):
        mean_gap(np.arange(4.0), sides(1, 3), NO_PAIRS)


def test_equivalence_by_hand():
    gap = MeanGap(difference=-0.02, standard_error=0.05, degrees=40.0, spread=0.5)
    # The nearer margin decides: (0.02 - 0.15) / 0.05 = -2.6.
    assert equivalence_pvalue(gap, 0.15) == pytest.approx(student.cdf(-2.6, 40))
    assert equivalence_pvalue(MeanGap(0.02, 0.05, 40.0, 0.5), 0.15) == pytest.approx(student.cdf(-2.6, 40))
    assert equivalence_pvalue(MeanGap(0.30, 0.05, 40.0, 0.5), 0.15) == pytest.approx(student.cdf(3.0, 40))


def test_no_spread_at_all_is_equivalent_only_inside_the_margin():
    still = MeanGap(0.0, 0.0, 10.0, 0.0)
    assert equivalence_pvalue(still, 0.1) == 0.0
    assert equivalence_pvalue(still, 0.0) == 1.0


@pytest.mark.parametrize("counts", [(20, 20), (200, 60)])
def test_level_of_the_equivalence_test(counts: tuple[int, int]):
    """At the edge of the margin, itself a multiple of the estimated spread, the test errs in about 5 % of cases.

    With few rows it hardly ever finds equivalence, and so errs less.
    """
    rng = np.random.default_rng(2)
    suspect = sides(*counts)
    found = []
    for _ in range(2500):
        gap = mean_gap(rng.standard_normal(sum(counts)) + 0.5 * suspect, suspect, NO_PAIRS)
        found.append(equivalence_pvalue(gap, 0.5 * gap.spread) <= 0.05)
    assert np.mean(found) <= 0.062
    if counts[0] == 200:
        assert np.mean(found) >= 0.038


def test_detectable_difference_is_found_with_the_stated_power():
    rng = np.random.default_rng(3)
    suspect = sides(30, 50)
    planned = mean_gap(rng.standard_normal(80), suspect, NO_PAIRS)
    exact = MeanGap(0.0, np.sqrt(1 / 30 + 1 / 50), planned.degrees, 1.0)
    shift = detectable_difference(exact, alpha=0.01, power=0.8)
    values = rng.standard_normal((3000, 80)) + shift * suspect
    p = ttest_ind(values[:, suspect], values[:, ~suspect], axis=1, equal_var=False).pvalue
    assert (p <= 0.01).mean() == pytest.approx(0.8, abs=0.03)
