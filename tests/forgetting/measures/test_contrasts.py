from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_rel

from auditor.core.errors import RunError, UsageError
from auditor.forgetting.measures.bootstrap import Resampler, estimate
from auditor.forgetting.measures.contrasts import measure_contrasts, trace
from auditor.forgetting.reduce import reduce_series
from auditor.forgetting.series import CorpusScores, Series
from auditor.inference.multiplicity import holm
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.measurements import SeriesMeasurements
from auditor.results.forgetting.policy import ForgettingPolicy

pytestmark = pytest.mark.long


def measure(kept: SeriesMeasurements, role: str = "suspect", reference: str | None = None, **options) -> list[Contrast]:
    settings = {
        "rng": np.random.default_rng(options.pop("seed", 0)),
        "permutations": 999,
        "bootstraps": 400,
        "policy": ForgettingPolicy(),
        "alpha": 0.01,
        "power": 0.8,
    }
    found = measure_contrasts(kept, role, reference=reference, **(settings | options))
    assert list(found) == list(kept.names)
    return list(found.values())


def close(value: float):
    return pytest.approx(value, rel=1e-5, abs=1e-6)


def test_figures_by_hand(series_of_losses):
    losses = {
        "suspect": [[1.0, 2.0], [2.0, 2.0], [3.0, 5.0]],
        "heldout": [[2.0, 3.0], [4.0, 4.5], [6.0, 6.0], [4.0, 4.5]],
    }
    first, second = measure(series_of_losses(losses))
    assert (first.documents, first.groups) == (3, 3)
    assert first.loss.value == close(2.0)
    assert first.gap.value == close(2.0)
    # Sums of squares 2 and 8 over 3 + 4 - 2 degrees of freedom.
    assert first.effect_size.value == close(2.0 / np.sqrt(2.0))
    # Of 12 pairs the suspect one is lower in 9 and equal in one.
    assert first.auc.value == close((4 + 3.5 + 3) / 12)
    assert first.trace.value == close(2 * 10.5 / 12 - 1)
    assert first.change is first.difference_in_differences is first.did_p_value is first.did_p_adjusted is None
    assert second.loss.value == close(3.0)
    assert second.change is not None
    assert second.change.value == close(1.0)
    assert second.gap.value == close(1.5)
    assert second.difference_in_differences is not None
    assert second.difference_in_differences.value == close(1.0 - 0.5)
    assert first.equivalence.margin == close(0.3 * np.sqrt(2.0))
    assert first.equivalence.margin_d == 0.3


def test_intervals_hold_their_figures_and_pvalues_are_adjusted(series_of_losses):
    rng = np.random.default_rng(0)
    losses = {"suspect": rng.normal(2.0, 0.3, (40, 4)), "heldout": rng.normal(2.2, 0.3, (50, 4))}
    found = measure(series_of_losses(losses), reference="origin")
    for contrast in found:
        for figure in (contrast.loss, contrast.gap, contrast.effect_size, contrast.auc, contrast.trace):
            assert figure.low < figure.value < figure.high
    assert [c.gap_p_adjusted for c in found] == list(holm([c.gap_p_value for c in found]))
    did = [c.did_p_value for c in found[1:]]
    assert [c.did_p_adjusted for c in found[1:]] == list(holm(did))
    assert found[0].did_p_value is None


@pytest.mark.simulation
def test_a_drift_of_everything_is_no_forgetting(series_of_losses):
    """The naive paired test is sure of a change that the held-out documents went through as well.

    The sets start at different levels, as they do where one was trained on, and keep their distance.
    """
    naive, found, rng = [], [], np.random.default_rng(1)
    for _ in range(30):
        losses = {}
        for role, level in (("suspect", 2.0), ("heldout", 2.5)):
            before = rng.normal(level, 0.4, 80)
            losses[role] = np.column_stack([before, before + 0.25 + rng.normal(0, 0.05, 80)])
        naive.append(ttest_rel(losses["suspect"][:, 1], losses["suspect"][:, 0]).pvalue)
        later = measure(series_of_losses(losses), permutations=199, bootstraps=50)[1]
        assert later.change is not None
        assert later.change.low > 0.2
        assert later.difference_in_differences is not None
        assert abs(later.difference_in_differences.value) < 0.03
        assert later.gap_p_value == pytest.approx(0.005)
        found.append(later.did_p_value)
    assert max(naive) < 1e-50
    assert np.mean(np.array(found) <= 0.05) <= 0.14
    assert np.median(found) > 0.25


def test_sides_that_start_apart_are_told_by_all_four_figures(series_of_losses):
    """A memorised set rises while held-out falls: the difference exceeds either change; the share says what is left."""
    rng = np.random.default_rng(2)
    suspect = rng.normal(0.5, 0.1, (60, 1)) + np.array([0.0, 5.5])
    heldout = rng.normal(8.0, 0.1, (60, 1)) + np.array([0.0, -0.9])
    later = measure(series_of_losses({"suspect": suspect, "heldout": heldout}), reference="origin")[1]
    assert later.change is not None
    assert later.change.value == pytest.approx(5.5, abs=0.01)
    assert later.difference_in_differences is not None
    assert later.difference_in_differences.value == pytest.approx(6.4, abs=0.01)
    assert later.did_p_value == pytest.approx(0.001)
    assert later.retained is not None
    assert later.retained.value == pytest.approx((7.5 - 6.4) / 7.5, abs=0.01)


def test_a_gap_can_grow_in_bits_and_shrink_in_spreads(series_of_losses):
    rng = np.random.default_rng(3)
    base = rng.standard_normal(100)
    losses = {
        "suspect": np.column_stack([2.0 + 0.1 * base, 2.0 + 0.8 * base]),
        "heldout": np.column_stack([2.1 + 0.1 * base, 2.3 + 0.8 * base]),
    }
    before, after = measure(series_of_losses(losses))
    assert after.gap.value > 2 * before.gap.value
    assert after.effect_size.value < 0.5 * before.effect_size.value
    assert after.auc.value < before.auc.value


def test_the_interval_of_an_effect_counts_the_error_of_its_spread(series_of_losses):
    """The error of d is sqrt(2 / n + d^2 / 4n) for n a side: at d = 5, two times what the gap alone would give."""
    rng, count = np.random.default_rng(13), 200
    losses = {"suspect": rng.normal(0.0, 0.2, (count, 1)) + 2, "heldout": rng.normal(1.0, 0.2, (count, 1)) + 2}
    found = measure(series_of_losses(losses), bootstraps=1000)[0].effect_size
    error = np.sqrt(2 / count + found.value**2 / (4 * count))
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.2)


def test_documents_are_averaged_in_groups_and_long_texts_weigh_no_more(record, series):
    """Group a holds losses 1 and 3, group b loss 5: the mean is 3.5 over groups, 3 over documents, less over tokens."""
    long_easy, hard, lone = record(1.0, tokens=400, n_bytes=1600), record(3.0), record(5.0)
    rest = [[record(float(bits))] for bits in (4.0, 6.0)]
    made = series({"suspect": [[long_easy], [hard], [lone]], "heldout": rest}, groups={"suspect": ["a", "a", "b"]})
    found = measure(made)[0]
    assert (found.documents, found.groups) == (3, 2)
    assert found.loss.value == close(3.5)
    assert found.gap.value == close(1.5)


def test_order_of_documents_does_not_matter(series_of_losses):
    rng = np.random.default_rng(4)
    suspect, heldout = rng.normal(2.0, 0.3, (12, 2)), rng.normal(2.2, 0.3, (12, 2))
    groups = [f"g{number}" for number in range(12)]
    order = rng.permutation(12)
    plain = series_of_losses({"suspect": suspect, "heldout": heldout}, groups={"suspect": groups, "heldout": groups})
    moved = series_of_losses(
        {"suspect": suspect[order], "heldout": heldout},
        groups={"suspect": [groups[row] for row in order], "heldout": groups},
    )
    assert measure(plain) == measure(moved)


def test_a_checkpoint_read_in_another_order_is_refused(record, scored):
    documents = [
        [record(1.0, first_id=10), record(1.5, first_id=10)],
        [record(2.0, first_id=20), record(2.5, first_id=20)],
    ]
    made = scored({"suspect": documents, "heldout": documents})
    swapped = made.readings["step1", "suspect"].signals[::-1]
    readings = {**made.readings, ("step1", "suspect"): CorpusScores(swapped, ())}
    broken = Series(made.checkpoints, made.corpora, readings, {})
    with pytest.raises(RunError, match="other tokens under 'step1'"):
        reduce_series(broken)
    unread = {key: reading for key, reading in made.readings.items() if key != ("step1", "suspect")}
    incomplete = Series(made.checkpoints, made.corpora, unread, {})
    with pytest.raises(RunError, match="has none of the 2 suspect"):
        reduce_series(incomplete)


def test_a_document_without_a_scored_token_is_left_out_everywhere(record, series):
    rows = [[record(1.0), record(2.0)], [record(tokens=0), record(tokens=0)], [record(3.0), record(2.0)]]
    found = measure(series({"suspect": rows, "heldout": rows}))
    assert [contrast.documents for contrast in found] == [2, 2]
    assert found[0].loss.value == close(2.0)
    with pytest.raises(UsageError, match="two a side"):
        measure(series({"suspect": rows[:2], "heldout": rows}))


def test_retained_share_only_of_a_gap_and_only_later(series_of_losses):
    rng = np.random.default_rng(5)
    heldout = rng.normal(2.5, 0.2, (80, 1)) + np.zeros(4)
    suspect = rng.normal(2.5, 0.2, (80, 1)) - np.array([0.0, 1.0, 0.5, 0.0])
    made = series_of_losses({"suspect": suspect, "heldout": heldout})
    shares = [contrast.retained for contrast in measure(made, reference="step1")]
    assert shares[:2] == [None, None]
    assert shares[2] is not None
    assert shares[3] is not None
    assert shares[2].value == pytest.approx(0.5, abs=0.06)
    # Both gaps come from the same samples, so the chance of the split, which both share, hardly widens the ratio.
    assert shares[2].high - shares[2].low < 0.1
    assert shares[3].low < 0.06
    assert [contrast.retained for contrast in measure(made, reference="origin")] == [None] * 4
    assert [contrast.retained for contrast in measure(made)] == [None] * 4
    inverted = series_of_losses({"suspect": heldout, "heldout": suspect})
    assert [contrast.retained for contrast in measure(inverted, reference="step1")] == [None] * 4
    with pytest.raises(ValueError, match="no checkpoint"):
        measure(made, reference="later")


def test_trace_is_two_sided(series_of_losses):
    """A set that scores worse than unseen text leaves as much of a trace."""
    rng = np.random.default_rng(6)
    low, high = rng.normal(2.0, 0.2, (50, 1)), rng.normal(2.3, 0.2, (50, 1))
    known = measure(series_of_losses({"suspect": low, "heldout": high}))[0]
    hidden = measure(series_of_losses({"suspect": high, "heldout": low}))[0]
    assert hidden.auc.value == pytest.approx(1 - known.auc.value)
    assert hidden.gap.value < 0
    assert hidden.trace.value == pytest.approx(known.trace.value)
    assert hidden.gap_p_value == known.gap_p_value == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("auc", "folded"),
    [((0.6, 0.55, 0.7), (0.2, 0.1, 0.4)), ((0.3, 0.2, 0.45), (0.4, 0.1, 0.6)), ((0.52, 0.4, 0.56), (0.04, 0.0, 0.2))],
)
def test_trace_folds_the_interval(auc: tuple[float, ...], folded: tuple[float, ...]):
    found = trace(Estimate(value=auc[0], low=auc[1], high=auc[2]))
    assert (found.value, found.low, found.high) == pytest.approx(folded)


def test_a_group_on_both_sides_goes_as_one(series_of_losses):
    """What the two halves of a book share cancels: the error is of their differences."""
    rng = np.random.default_rng(7)
    book = rng.normal(3.0, 1.0, (30, 1))
    halves = {"suspect": book + rng.normal(-0.1, 0.05, (30, 1)), "heldout": book + rng.normal(0, 0.05, (30, 1))}
    names = [f"book {number}" for number in range(30)]
    joined = measure(series_of_losses(halves, groups={"suspect": names, "heldout": names}))[0]
    apart = measure(series_of_losses(halves))[0]
    assert joined.gap.value == close(apart.gap.value)
    assert joined.gap.high - joined.gap.low < 0.15 * (apart.gap.high - apart.gap.low)
    assert joined.gap_p_value == pytest.approx(0.001)
    assert apart.gap_p_value > 0.5
    assert joined.equivalence.detectable_gap < 0.15 * apart.equivalence.detectable_gap


def test_equivalence_needs_enough_documents(series_of_losses):
    rng = np.random.default_rng(8)

    def alike(count: int, shift: float = 0.0) -> Contrast:
        quantiles = rng.permutation(np.linspace(1.5, 2.5, count))[:, None]
        return measure(series_of_losses({"suspect": quantiles + shift, "heldout": quantiles}))[0]

    many, few, apart = alike(300), alike(20), alike(300, shift=0.2)
    assert many.equivalence.equivalent
    assert many.equivalence.detectable_d < 0.3
    assert not few.equivalence.equivalent
    assert few.equivalence.detectable_d > 0.9
    assert not apart.equivalence.equivalent
    assert few.equivalence.detectable_d == close(few.equivalence.detectable_gap * 0.3 / few.equivalence.margin)


def test_placebo_gets_the_same_row(series_of_losses):
    rng = np.random.default_rng(9)
    losses = {role: rng.normal(2.0, 0.3, (20, 2)) for role in ("heldout", "placebo")}
    found = measure(series_of_losses({"suspect": losses["heldout"] - 1, **losses}), "placebo")
    assert found[0].gap.value == close(float((losses["heldout"] - losses["placebo"])[:, 0].mean()))


def test_memorisation_is_set_beside_heldout(record, series):
    long_known, long_new = [0] * 50 + [1] * 50, [0, 1] * 50
    ours = [[record(hits=long_known)], [record(hits=[1, 1, 0, 1])], [record(hits=long_new)]]
    theirs = [[record(hits=[0, 1, 0, 0])], [record(hits=[0, 0, 0, 0])]]
    exact, strength, extractable = measure(series({"suspect": ours, "heldout": theirs}))[0].memorisation
    assert (exact.name, strength.name, extractable.name) == (
        "exact-memorisation",
        "extraction-strength",
        "k-extractable",
    )
    assert exact.value is not None
    assert exact.heldout is not None
    assert exact.difference is not None
    assert exact.value.value == close((0.5 + 0.75 + 0.5) / 3)
    assert exact.heldout.value == close(0.125)
    assert exact.difference.value == close((0.5 + 0.75 + 0.5) / 3 - 0.125)
    assert exact.difference.low <= exact.difference.value <= exact.difference.high
    assert exact.documents == 3
    assert strength.value is not None
    assert strength.value.value == close((0.5 + 0.25 + 0.01) / 3)
    assert strength.heldout is not None
    assert strength.heldout.value == 0.0
    # Two of the three are long enough, none of the held-out ones is.
    assert extractable.documents == 2
    assert extractable.value is not None
    assert (extractable.value.low, extractable.value.value, extractable.value.high) == (0.0, close(0.5), 1.0)
    assert extractable.heldout is None
    assert extractable.difference is None


def test_samples_are_the_same_at_all_checkpoints():
    """A checkpoint that adds a constant has the same samples but for it: its change has no spread at all."""
    values = np.random.default_rng(10).standard_normal((30, 1)) + np.array([0.0, 0.7])
    resampler = Resampler.of_one_set(30, bootstraps=200, rng=np.random.default_rng(0))
    samples = resampler.means(values)
    assert np.ptp(samples[:, 0]) > 0.5
    np.testing.assert_allclose(samples[:, 1] - samples[:, 0], 0.7)


def test_resampler_against_explicit_resampling():
    rng = np.random.default_rng(11)
    suspect, pairs = np.arange(9) < 4, np.array([[0, 4]])
    values = rng.standard_normal((9, 2))
    resampler = Resampler(suspect, pairs, bootstraps=50, rng=np.random.default_rng(1))
    weights = np.concatenate([chunk.T for chunk in resampler._weights()])
    spreads, means, areas = resampler.spreads(values), resampler.means(values, suspect=False), resampler.aucs(values)
    for sample, counts in enumerate(weights.astype(int)):
        rows = np.repeat(np.arange(9), counts)
        ours, theirs = values[rows[suspect[rows]]], values[rows[~suspect[rows]]]
        pooled = (len(ours) * ours.var(axis=0) + len(theirs) * theirs.var(axis=0)) / 7
        np.testing.assert_allclose(spreads[sample], np.maximum(np.sqrt(pooled), 1e-9), atol=1e-7)
        np.testing.assert_allclose(means[sample], theirs.mean(axis=0))
        above = (ours[:, None] > theirs) + 0.5 * (ours[:, None] == theirs)
        np.testing.assert_allclose(areas[sample], above.mean(axis=(0, 1)))


def test_coverage_of_the_interval_of_a_gap():
    """Of skewed losses with unequal spreads, over 600 pairs of sides."""
    rng = np.random.default_rng(12)
    counts, runs = (40, 60), 600
    suspect = np.arange(sum(counts)) < counts[0]
    values = rng.gamma(4.0, 0.25, (sum(counts), runs)) * np.where(suspect, 1.5, 1.0)[:, None]
    resampler = Resampler(suspect, np.empty((0, 2), np.intp), bootstraps=400, rng=rng)
    gaps = resampler.means(values, suspect=False) - resampler.means(values, suspect=True)
    observed = values[~suspect].mean(axis=0) - values[suspect].mean(axis=0)
    intervals = [estimate(float(value), samples) for value, samples in zip(observed, gaps.T, strict=True)]
    covered = np.mean([interval.low <= -0.5 <= interval.high for interval in intervals])
    assert 0.915 <= covered <= 0.975
