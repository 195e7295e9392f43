from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind
from simulate import mean_difference_pvalues

from auditor.core.errors import UsageError
from auditor.inference.design import permuted_labels
from auditor.inference.mean_difference import arrange, pvalues, studentised_differences


def names(count: int) -> list[str]:
    return [f"g{number}" for number in range(count)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def bounded(t: float, rows: int) -> float:
    return t / np.sqrt(rows + t**2)


def test_statistic_is_welch_t_under_every_labelling():
    values = rng().standard_normal((17, 2)) * [1.0, 40.0] + [0.0, 900.0]
    suspect = np.arange(17) < 6
    design, arranged = arrange(values, suspect, names(17), rng=rng(1))
    labels = np.hstack(list(permuted_labels(design, 30, rng(2))))
    found = studentised_differences(arranged, design, [labels[:, :10], labels[:, 10:]])
    for column, number in itertools.product(range(2), range(31)):
        mine = labels[:, number] == 1
        t = ttest_ind(arranged[mine, column], arranged[~mine, column], equal_var=False).statistic
        assert found[column, number] == pytest.approx(bounded(t, 17), abs=1e-12)


def test_groups_on_both_sides_are_tested_within():
    """With nothing but such groups the statistic is the paired t, and what the pairs share does not matter."""
    ours, theirs = rng().standard_normal((2, 9))
    shared = 100.0 * rng(1).standard_normal(9)
    values = np.concatenate([ours + shared, theirs + shared])[:, None]
    design, arranged = arrange(values, np.arange(18) < 9, names(9) * 2, rng=rng(2))
    observed = studentised_differences(arranged, design, [design.suspect[:, None].astype(float)])
    assert observed[0, 0] == pytest.approx(bounded(ttest_1samp(ours - theirs, 0.0).statistic, 18), abs=1e-9)


def test_mixed_design_by_hand():
    values = np.array([1.0, 4.0, 2.0, 0.0, 3.0, 7.0])
    suspect = np.array([True, True, True, False, False, False])
    # Group a is on both sides: rows 0 and 3.
    design, arranged = arrange(values[:, None], suspect, ["a", "b", "c", "a", "d", "e"], rng=rng())
    observed = studentised_differences(arranged, design, [design.suspect[:, None].astype(float)])
    mine, theirs = values[:3] - values[:3].mean(), values[3:] - values[3:].mean()
    error = np.sqrt(((mine[0] - theirs[0]) ** 2 + (mine[1:] ** 2).sum() + (theirs[1:] ** 2).sum()) / 6)
    t = (values[:3].mean() - values[3:].mean()) / error
    assert observed[0, 0] == pytest.approx(bounded(t, 6), abs=1e-12)


def test_pvalue_counts_labellings():
    """Of the 20 ways to choose three of six, only the observed one is as high; its mirror image is as far."""
    values = np.array([5.0, 6.0, 7.0, 1.0, 2.0, 3.0])[:, None]
    suspect = np.arange(6) < 3
    settings = {"permutations": 20_000, "rng": rng()}
    assert mean_difference_pvalues(values, suspect, names(6), **settings)[0] == pytest.approx(0.1, abs=0.007)
    settings["rng"] = rng()
    above = mean_difference_pvalues(values, suspect, names(6), alternative="greater", **settings)
    assert above[0] == pytest.approx(0.05, abs=0.005)
    settings["rng"] = rng()
    below = mean_difference_pvalues(-values, suspect, names(6), alternative="greater", **settings)
    assert below == (1.0,)


def test_perfect_separation_of_two_values_counts_its_ties():
    """The standard error is zero: labellings that are the same partition must still count as equal."""
    values = np.repeat([1.0, 0.1], 4)[:, None]
    p = mean_difference_pvalues(values, np.arange(8) < 4, names(8), permutations=20_000, rng=rng())
    assert p[0] == pytest.approx(2 / 70, abs=0.004)


def test_a_constant_column_shows_nothing():
    values = np.column_stack([np.full(10, 0.3), np.arange(10.0)])
    p = mean_difference_pvalues(values, np.arange(10) < 5, names(10), permutations=999, rng=rng())
    assert p[0] == 1.0
    assert p[1] < 0.05


def test_pvalues_do_not_depend_on_the_order_of_rows():
    values = rng().standard_normal((20, 1))
    suspect, groups = np.arange(20) < 8, names(20)
    order = rng(1).permutation(20)
    one = mean_difference_pvalues(values, suspect, groups, permutations=499, rng=rng(2))
    other = mean_difference_pvalues(
        values[order], suspect[order], [groups[row] for row in order], permutations=499, rng=rng(2)
    )
    assert one == other


def test_refusals():
    values = np.zeros((4, 1))
    with pytest.raises(ValueError, match="finite"):
        mean_difference_pvalues(np.full((4, 1), np.nan), np.arange(4) < 2, names(4), permutations=9, rng=rng())
    with pytest.raises(UsageError, match="two a side"):
        mean_difference_pvalues(values, np.arange(4) < 1, names(4), permutations=9, rng=rng())


@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_false_positive_rate(spread: float):
    """Also where the smaller side spreads three times as far: without studentising the rate would be above 0.2."""
    draws, counts = rng(5), (15, 45)
    values = draws.standard_normal((sum(counts), 1000))
    suspect = np.arange(sum(counts)) < counts[0]
    values[suspect] *= spread
    p = np.array(mean_difference_pvalues(values, suspect, names(sum(counts)), permutations=499, rng=draws))
    assert 0.034 <= (p <= 0.05).mean() <= 0.068
    if spread > 1:
        design, arranged = arrange(values, suspect, names(sum(counts)), rng=rng())
        plain = np.hstack([arranged.T @ labels for labels in permuted_labels(design, 499, rng(1))])
        plain -= plain.mean(axis=1, keepdims=True)
        assert (np.array(pvalues(plain)) <= 0.05).mean() > 0.2
