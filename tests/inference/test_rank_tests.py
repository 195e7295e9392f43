"""The rank tests of dealt text are exact: against enumeration, against scipy, and deep in the tail."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, norm, wilcoxon

from auditor.inference.rank_share import chernoff, rounded_up, share_interval
from auditor.inference.rank_sum import two_sample_rank_test, two_sample_tail
from auditor.inference.signed_rank import signed_rank_test
from auditor.inference.signed_rank_law import signed_rank_tail
from auditor.inference.unit_ranks import published_rank, rank_sum_tail, rank_sum_test

EXACT = False, True
"""No underflow, and exact."""


def uniform_tail(value: int, sizes: tuple[int, ...]) -> Fraction:
    """P(T >= value) by plain convolution of whole counts."""
    counts = Counter({0: 1})
    for m in sizes:
        grown: Counter[int] = Counter()
        for at, number in counts.items():
            for more in range(m + 1):
                grown[at + more] += number
        counts = grown
    return Fraction(sum(number for at, number in counts.items() if at >= value), counts.total())


@pytest.mark.parametrize("sizes", [(3,), (1, 1, 1), (2, 5, 2, 7), (19, 19, 4)])
def test_every_tail_of_a_sum_of_ranks_is_that_of_fractions(sizes: tuple[int, ...]) -> None:
    for value in range(sum(sizes) + 1):
        assert rank_sum_tail(value, Counter(sizes)) == (float(uniform_tail(value, sizes)), *EXACT)


def test_a_deep_tail_of_a_sum_of_ranks_is_exact() -> None:
    sizes = (19,) * 24
    expected = uniform_tail(438, sizes)
    assert 10.0**-21 < expected < 10.0**-19
    assert rank_sum_tail(438, Counter(sizes))[0] == float(expected)


def test_the_smallest_p_values_of_a_sum_of_ranks_are_represented() -> None:
    assert rank_sum_test(np.full(230, 19), 19).p_value == pytest.approx(20.0**-230, rel=1e-15)
    beyond = rank_sum_test(np.full(260, 19), 19)
    assert beyond.p_value == math.ulp(0.0)
    assert beyond.underflow
    assert beyond.exact
    assert rank_sum_test(np.zeros(260, dtype=np.intp), 19).p_value == 1.0


def test_a_bound_takes_over_where_there_are_too_many_units() -> None:
    ranks = np.random.default_rng(1).binomial(19, 0.52, size=2001)
    bound = rank_sum_test(ranks, 19)
    z = (bound.value - bound.expected) / math.sqrt(2001 * 399 / 12)
    assert not bound.exact
    assert norm.sf(z) < bound.p_value < math.exp(-(z**2) / 2) * 1.01


@pytest.mark.parametrize(("ranks", "decoys"), [([], 3), ([4], 3), ([-1], 3), ([0], 0)])
def test_impossible_ranks_are_refused(ranks: list[int], decoys: int) -> None:
    with pytest.raises(ValueError, match="ranks must be"):
        rank_sum_test(np.array(ranks, dtype=np.intp), decoys)


def test_the_rank_of_a_published_candidate_takes_ties_from_the_draws() -> None:
    scores = np.array([1.0, 2.0, 2.0, 2.0, np.inf])
    draws = np.array([0, 9, 3, 5, 1])
    assert [published_rank(scores, index, draws) for index in range(5)] == [0, 3, 1, 2, 4]
    with pytest.raises(ValueError, match="without a score"):
        published_rank(np.array([1.0, np.nan]), 0, np.array([0, 1]))


@pytest.mark.parametrize("units", [1, 2, 7, 12])
def test_every_tail_of_signed_ranks_is_that_of_all_signs(units: int) -> None:
    sums = Counter(
        sum(rank + 1 for rank, sign in enumerate(signs) if sign) for signs in itertools.product((0, 1), repeat=units)
    )
    for value in range(units * (units + 1) // 2 + 1):
        count = sum(number for at, number in sums.items() if at >= value)
        assert signed_rank_tail(value, units) == (count / 2**units, *EXACT)


def test_signed_ranks_are_those_of_scipy() -> None:
    differences = np.random.default_rng(2).normal(0.3, 1, size=25)
    found = signed_rank_test(differences, np.arange(25), np.zeros(25, dtype=bool))
    known = wilcoxon(differences, alternative="greater", method="exact")
    assert (found.value, found.p_value) == (known.statistic, pytest.approx(known.pvalue, rel=1e-12))


def test_deep_tails_of_signed_ranks_are_exact() -> None:
    assert signed_rank_tail(100 * 101 // 2 - 1000, 100)[0] == pytest.approx(_subsets(1000, 100) / 2**100, rel=1e-13)
    assert signed_rank_tail(1000 * 1001 // 2, 1000) == (2.0**-1000, *EXACT)
    assert signed_rank_tail(1200 * 1201 // 2, 1200) == (math.ulp(0.0), True, True)


def _subsets(most: int, units: int) -> int:
    """Subsets of 1..units with a sum of at most `most`, in whole numbers."""
    counts = [1] + [0] * most
    for rank in range(1, units + 1):
        for at in range(most, rank - 1, -1):
            counts[at] += counts[at - rank]
    return sum(counts)


def test_scaling_of_large_counts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    value = 400 * 401 * 3 // 8
    plain = signed_rank_tail(value, 400)
    monkeypatch.setattr("auditor.inference.signed_rank_law._RESCALE", 150)
    assert signed_rank_tail(value, 400) == plain


@pytest.mark.parametrize("share", [0.4, 0.5, 0.52, 0.58, 0.66])
def test_the_inversion_has_seven_digits_and_is_never_too_small(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    value = round(share * 700 * 701 / 2)
    inverted = signed_rank_tail(value, 700)[0]
    monkeypatch.setattr("auditor.inference.signed_rank_law.COUNTED", 1000)
    counted = signed_rank_tail(value, 700)[0]
    assert inverted == pytest.approx(counted, rel=1.1e-6)
    assert inverted >= counted * (1 - 1e-12)


@given(st.floats(1e-300, 1.0))
def test_a_rounded_p_value_has_seven_digits_and_is_never_smaller(p: float) -> None:
    rounded = rounded_up(p)
    assert p <= rounded <= min(1.0, p * (1 + 1.1e-6))
    assert rounded == float(f"{rounded:.6e}")
    assert rounded_up(rounded) == rounded


def test_thousands_of_twins_have_an_exact_p_value() -> None:
    units = 5000
    spread = math.sqrt(units * (units + 1) * (2 * units + 1) / 24)
    for z in (1.0, 4.0, 8.0):
        p, _, exact = signed_rank_tail(round(units * (units + 1) / 4 + z * spread), units)
        assert exact
        assert 0.8 * norm.sf(z) < p < 1.001 * norm.sf(z)


def test_a_bound_takes_over_where_twins_are_too_many_to_count_and_too_one_sided_to_invert() -> None:
    units, lost = 2001, 3000
    value = units * (units + 1) // 2 - lost
    p, _, exact = signed_rank_tail(value, units)
    assert not exact
    assert _subsets(lost, units) / 2**units <= p


def test_zeros_and_ties_of_twins_take_the_draws_and_not_the_sign() -> None:
    zeros = np.array([0.0, 0.0, 0.0, 5.0])
    signs = np.array([True, False, True, False])
    assert signed_rank_test(zeros, np.array([2, 0, 1, 0]), signs).value == 3 + 2 + 4
    tied = np.array([1.0, -1.0, 1.0])
    assert signed_rank_test(tied, np.array([2, 0, 1]), np.zeros(3, dtype=bool)).value == 3 + 2
    with pytest.raises(ValueError, match="numbers"):
        signed_rank_test(np.array([np.nan]), np.array([0]), np.array([False]))


@pytest.mark.parametrize("sizes", [((1, 1),), ((3, 4),), ((4, 2), (1, 3)), ((2, 2), (2, 2), (1, 1))])
def test_every_tail_of_two_samples_is_that_of_all_deals(sizes: tuple[tuple[int, int], ...]) -> None:
    sums = Counter(
        sum(sum(at - order for order, at in enumerate(chosen)) for chosen in deal)
        for deal in itertools.product(*(itertools.combinations(range(a + b), a) for a, b in sizes))
    )
    for value in range(sum(a * b for a, b in sizes) + 1):
        count = sum(number for at, number in sums.items() if at >= value)
        assert two_sample_tail(value, sizes) == (count / sums.total(), *EXACT)


def test_two_samples_are_those_of_scipy() -> None:
    rng = np.random.default_rng(4)
    scores, published = rng.normal(size=40), np.arange(40) < 12
    scores[published] += 0.7
    found = two_sample_rank_test(scores, published)
    known = mannwhitneyu(scores[published], scores[~published], alternative="greater", method="exact")
    assert (found.value, found.p_value) == (known.statistic, pytest.approx(known.pvalue, rel=1e-12))


def test_the_best_deal_of_a_large_hold_out_has_the_probability_of_one_deal() -> None:
    assert two_sample_tail(80 * 320, [(80, 320)])[0] == pytest.approx(1 / math.comb(400, 80), rel=1e-15)


def test_the_bound_of_two_samples_is_above_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [(40, 60), (10, 90)]
    exact = two_sample_tail(2600, sizes)[0]
    monkeypatch.setattr("auditor.inference.rank_sum.MOST_WORK", 0)
    bound, _, is_exact = two_sample_tail(2600, sizes)
    assert exact < bound < 20 * exact
    assert not is_exact


def test_strata_are_compared_within_themselves_alone() -> None:
    scores, strata = np.array([1.0, 2, 3, 101, 102, 103]), np.array([0, 0, 0, 1, 1, 1])
    published = np.array([False, False, True, False, False, True])
    found = two_sample_rank_test(scores, published, strata)
    assert (found.value, found.expected, found.p_value) == (4, 2, pytest.approx(1 / 9))
    empty = np.concatenate([published, [True]])
    with_empty = two_sample_rank_test(np.append(scores, 500.0), empty, np.append(strata, 2))
    assert (with_empty.value, with_empty.units, with_empty.p_value) == (4, 6, found.p_value)
    with pytest.raises(ValueError, match="no stratum"):
        two_sample_rank_test(scores, np.ones(6, dtype=bool))


def test_ties_of_two_samples_take_the_draws() -> None:
    published = np.array([True, False, False])
    values = [
        two_sample_rank_test(np.zeros(3), published, tie_order=np.array(draws)).value
        for draws in ([0, 1, 2], [1, 0, 2], [2, 0, 1])
    ]
    assert values == [0, 1, 2]


def test_a_bound_is_valid_where_its_minimum_is_at_an_end() -> None:
    assert chernoff(lambda theta: theta, 0.5) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.simulation
@pytest.mark.parametrize("auc", [0.5, 0.9])
def test_the_interval_of_a_share_covers_it(auc: float) -> None:
    rng = np.random.default_rng(5)
    shift = math.sqrt(2) * norm.ppf(auc)
    scores = rng.standard_normal((400, 20, 20)) + shift * (np.arange(20) == 0)
    shares = (scores[:, :, 1:] < scores[:, :, :1]).mean(axis=2)
    held = [
        (interval := share_interval(float(row.mean()), float(row.var(ddof=1) / 20), 20)).low <= auc <= interval.high
        for row in shares
    ]
    assert np.mean(held) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 400)


def test_the_interval_of_a_share_where_nothing_varies_is_that_of_coins() -> None:
    assert share_interval(1.0, 0.0, 20).low == pytest.approx(0.025 ** (1 / 20), rel=1e-9)
    assert share_interval(0.0, 0.0, 20).high == pytest.approx(1 - 0.025 ** (1 / 20), rel=1e-9)
