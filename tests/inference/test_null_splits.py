from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, kstest
from simulate import document_rows, sample

from auditor.core.errors import UsageError
from auditor.inference.design import normal_scores
from auditor.inference.null_splits import null_split_pvalues
from auditor.inference.row_order import block_test, row_order


def test_random_halves_are_uniform():
    rows = document_rows(sample(np.random.default_rng(0), 40, columns=6))
    found = null_split_pvalues(rows, rng=np.random.default_rng(1), splits=300, permutations=1999)
    assert len(found.p_values) == 300
    assert found.uniformity_p > 1e-3
    # Against a large pool the two-sample test is nearly that of the p-values against the uniform law.
    assert found.uniformity_p == pytest.approx(kstest(found.p_values, "uniform").pvalue, abs=0.2)
    assert binom.ppf(1e-4, 300, 0.05) <= 300 * found.share_below <= binom.ppf(1 - 1e-4, 300, 0.05)
    assert min(found.p_values) >= 1 / 2000
    other = null_split_pvalues(
        replace(rows, suspect=~rows.suspect), rng=np.random.default_rng(1), splits=300, permutations=1999
    )
    assert other == found


def test_block_statistic_is_the_mean_square_over_splits_of_blocks():
    scores = normal_scores(np.random.default_rng(0).standard_normal((12, 2)))
    blocks = scores.reshape(6, 2, 2).sum(axis=1)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1)
    differences = blocks.T @ signs
    assert np.mean(np.square(differences).sum(axis=0)) == pytest.approx(np.square(blocks).sum())


@pytest.mark.simulation
def test_block_p_is_uniform_when_order_does_not_matter():
    p = np.array(
        [
            block_test(
                np.random.default_rng([seed, 0]).standard_normal((40, 3)), orders=99, rng=np.random.default_rng(seed)
            )[0]
            for seed in range(300)
        ]
    )
    assert kstest(p - 0.005, "uniform").pvalue > 1e-3
    assert np.sum(p <= 0.05) <= binom.ppf(1 - 1e-4, 300, 0.05)


@pytest.mark.parametrize("run", [4, 5, 16])
def test_block_test_sees_windows_of_the_same_documents(run: int):
    drawn = sample(np.random.default_rng(run), 48 // run * 2, columns=6, windows=run, icc=0.3)
    p, size, ratio = block_test(drawn.values, orders=199, rng=np.random.default_rng(0))
    assert p == 0.005
    assert run / 2 <= size <= 2 * run
    assert ratio > 1.3
    shuffled = drawn.values[np.random.default_rng(1).permutation(len(drawn.values))]
    assert block_test(shuffled, orders=199, rng=np.random.default_rng(0))[0] > 0.05


def test_too_few_rows():
    rows = document_rows(sample(np.random.default_rng(0), 3, columns=2))
    with pytest.raises(UsageError, match="6 groups"):
        null_split_pvalues(rows, rng=np.random.default_rng(0))


@pytest.mark.parametrize("change", [np.ones_like, lambda values: (values > 1.5).astype(float)])
def test_values_that_are_mostly_tied(change):
    rows = document_rows(sample(np.random.default_rng(0), 30, columns=4))
    rows = replace(rows, values=change(rows.values))
    assert null_split_pvalues(rows, rng=np.random.default_rng(0), permutations=999).uniformity_p > 0.001


def test_halves_that_permutations_do_not_rank_as_their_own(monkeypatch):
    """An engine whose permutations keep most labels where they are gives halves that look extreme."""
    from auditor.inference import null_splits

    def lazily(design, permutations, rng):
        labels = design.suspect.astype(float)
        columns = [labels]
        for _ in range(permutations):
            some = rng.permutation(len(labels))[:4]
            drawn = labels.copy()
            drawn[some] = rng.permutation(drawn[some])
            columns.append(drawn)
        return [np.stack(columns, axis=1)]

    rows = document_rows(sample(np.random.default_rng(0), 40, columns=6))
    monkeypatch.setattr(null_splits, "permuted_labels", lazily)
    assert null_split_pvalues(rows, rng=np.random.default_rng(1), permutations=999).uniformity_p < 0.001


def test_sorted_rows_are_seen_and_few_rows_are_not():
    values = np.sort(np.random.default_rng(0).standard_normal((60, 1)), axis=0)
    seen = row_order(values, rng=np.random.default_rng(1))
    assert seen is not None
    assert seen.p_value <= 0.005
    assert seen.variance_ratio > 1.5
    assert row_order(values[:7], rng=np.random.default_rng(1)) is None
