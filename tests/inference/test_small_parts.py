from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import brentq
from simulate import document_rows, sample

from auditor.inference.auc import auc, percentile_interval, relabelling_spread, resamples, weighted_auc
from auditor.inference.curve import curve_sizes, learning_curve
from auditor.inference.design import assign_folds, build_design, permuted_labels
from auditor.inference.multiplicity import holm
from auditor.inference.power import auc_of_shift, detectable_auc, groups_needed, shift_of_auc
from auditor.inference.separability import separability
from auditor.results.rows import Rows


def brute_auc(scores: np.ndarray, suspect: np.ndarray) -> float:
    pairs = itertools.product(scores[suspect], scores[~suspect])
    return float(np.mean([(ahead > behind) + 0.5 * (ahead == behind) for ahead, behind in pairs]))


@pytest.mark.parametrize("ties", [False, True])
def test_auc_and_weighted_auc_equal_counting_pairs(ties: bool):
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, 30).astype(float) if ties else rng.standard_normal(30)
    suspect = rng.permutation(30) < 12
    assert auc(scores, suspect) == pytest.approx(brute_auc(scores, suspect))
    weights = rng.integers(0, 4, (30, 5)).astype(float)
    for column, value in zip(weights.T, weighted_auc(scores, suspect, weights), strict=True):
        rows = np.repeat(np.arange(30), column.astype(int))
        assert value == pytest.approx(brute_auc(scores[rows], suspect[rows]))


def test_resamples_keep_side_sizes_and_pairs():
    suspect = np.array([1, 0, 1, 1, 0, 0, 1, 0], bool)
    pairs = np.array([[0, 1], [3, 4]])
    drawn = np.hstack(list(resamples(suspect, pairs, 3000, np.random.default_rng(0))))
    assert drawn.shape == (8, 3000)
    assert np.all(drawn[suspect].sum(axis=0) == 4)
    assert np.all(drawn[~suspect].sum(axis=0) == 4)
    assert np.array_equal(drawn[pairs[:, 0]], drawn[pairs[:, 1]])
    np.testing.assert_allclose(drawn.mean(axis=1), 1.0, atol=0.1)


def test_relabelling_spread_is_the_spread_over_relabellings():
    rows = document_rows(sample(np.random.default_rng(0), 12, columns=3))
    mixed = Rows(rows.values, np.arange(24) < 14, tuple(f"g{number % 18}" for number in range(24)), rows.columns)
    design = build_design(mixed, folds=3, rng=np.random.default_rng(0))
    labels = np.hstack(list(permuted_labels(design, 20_000, np.random.default_rng(1))))
    scores = np.random.default_rng(2).standard_normal(24)
    assert relabelling_spread(scores, design) == pytest.approx((scores @ labels).std(), rel=0.03)


def test_interval_widens_about_its_centre_and_stays_in_range():
    samples = np.linspace(0.6, 0.8, 1001)
    plain, wide = percentile_interval(samples), percentile_interval(samples, centre=0.7, widen=2.0)
    assert wide.low == pytest.approx(0.7 - 2 * (0.7 - plain.low))
    assert wide.high == pytest.approx(0.7 + 2 * (plain.high - 0.7))
    assert percentile_interval(samples, centre=0.7, widen=9.0).high == 1.0


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.8]) == (1.0, 1.0)
    assert holm([]) == ()


@pytest.mark.parametrize("wrong", [[float("nan")], [-0.1], [1.2]])
def test_adjustments_refuse_what_is_no_p_value(wrong):
    with pytest.raises(ValueError, match="p-values"):
        holm(wrong)


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (0.51, (9836, 15_969, 24_599)),
        (0.55, (392, 636, 979)),
        (0.60, (97, 157, 241)),
        (0.65, (42, 68, 105)),
    ],
)
def test_planning_table(value: float, counts: tuple[int, int, int]):
    """The normal two-sample formula: 2 (1.645 + 0.842)^2 / d^2 at alpha 0.05, and so on."""
    for alpha, count in zip((0.05, 0.01, 0.001), counts, strict=True):
        assert groups_needed(value, alpha=alpha, power=0.8) == pytest.approx(count, rel=0.005)


def test_power_round_trips_and_refusals():
    assert shift_of_auc(auc_of_shift(0.7)) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="AUC"):
        groups_needed(0.5, alpha=0.05)
    assert detectable_auc(critical=3.0, power=0.8, mean=0.0, spread=0.5, share=0.5) is None


def test_detectable_auc_agrees_with_planning_for_many_groups():
    count = groups_needed(0.55, alpha=0.05, power=0.8)
    seen = detectable_auc(critical=1.6449, power=0.8, mean=0.0, spread=(2 * count - 1) ** -0.5, share=0.5)
    assert seen == pytest.approx(0.55, abs=0.001)


def test_learning_curve_grows_with_the_data():
    rows = document_rows(sample(np.random.default_rng(0), 150, columns=5, effect=0.35))
    whole = separability(rows, rng=np.random.default_rng(2), alpha=0.05, permutations=199, bootstraps=50)
    curve = learning_curve(rows, whole, rng=np.random.default_rng(1), alpha=0.05, permutations=199, bootstraps=50)
    again = learning_curve(rows, whole, rng=np.random.default_rng(1), alpha=0.05, permutations=199, bootstraps=50)
    assert curve == again
    assert [point.groups for point in curve] == list(curve_sizes(150, 7))
    assert curve[-1].groups == 150
    assert (curve[-1].p_value, curve[-1].auc) == (whole.p_value, whole.auc) == (0.005, whole.auc)
    assert curve[0].p_value > curve[-1].p_value
    widths = [point.auc_interval.high - point.auc_interval.low for point in curve]
    assert widths[-1] < widths[0]


def test_learning_curve_of_few_and_uneven_groups():
    rows = document_rows(sample(np.random.default_rng(0), 10, columns=3))
    keep = np.arange(20) >= 6
    few = Rows(rows.values[keep], rows.suspect[keep], tuple(np.array(rows.groups)[keep]), rows.columns)
    whole = separability(few, rng=np.random.default_rng(2), alpha=0.05, permutations=99, bootstraps=10)
    curve = learning_curve(few, whole, rng=np.random.default_rng(1), alpha=0.0005, bootstraps=10)
    assert [point.groups for point in curve] == [4]
    assert curve_sizes(1000, 7) == (10, 22, 46, 100, 215, 464, 1000)


def test_intervals_stay_within_what_an_auc_can_be():
    found = percentile_interval(np.full(50, 0.99), centre=0.9, widen=3.0)
    assert (found.low, found.high) == (1.0, 1.0)
    found = percentile_interval(np.array([0.01, 0.02, 0.03]), centre=0.5, widen=2.0)
    assert (found.low, found.high) == (0.0, 0.0)


@pytest.mark.parametrize(("groups", "critical"), [(10, 2.5), (40, 3.0), (400, 3.2)])
def test_detectable_auc_solves_its_equation(groups: int, critical: float):
    """u - z_power spread = critical spread sqrt(1 + u^2), solved here by bisection; the root matters for ten."""
    spread = (2 * groups - 1) ** -0.5
    power = 0.8416212335729143
    u = brentq(lambda u: u - power * spread - critical * spread * np.sqrt(1 + u * u), 0, 50)
    found = detectable_auc(critical=critical, power=0.8, mean=0.0, spread=spread, share=0.5)
    assert found == pytest.approx(auc_of_shift(2 * u), abs=1e-9)


def test_folds_are_random_and_blind_to_names_that_tell_the_label():
    names = tuple(f"{'a' if label else 'b'}{number:03}" for label in (True, False) for number in range(50))
    first, second = (assign_folds(names, 5, np.random.default_rng(seed)) for seed in (0, 1))
    assert (first != second).any()
    suspects = [
        np.bincount(assign_folds(names, 5, np.random.default_rng(seed))[:50], minlength=5) for seed in range(200)
    ]
    # Dealt in the order of names every fold would hold ten of each side, always.
    assert np.std([counts[0] for counts in suspects]) > 1.5
    assert np.mean([counts[0] for counts in suspects]) == pytest.approx(10, abs=0.6)
