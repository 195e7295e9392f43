from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from simulate import document_rows, named_columns, sample

from auditor.core.errors import UsageError
from auditor.inference.design import build_design, normal_scores, permuted_labels
from auditor.results.rows import Rows


def make(seed: int = 0, documents: int = 12) -> Rows:
    return document_rows(sample(np.random.default_rng(seed), documents, columns=4))


def test_normal_scores_by_hand():
    values = np.array([[3.0, 5.0], [1.0, np.nan], [2.0, 5.0], [np.inf, 1.0], [-np.inf, np.nan]])
    scores = normal_scores(values)
    np.testing.assert_allclose(scores[:, 0], norm.ppf(np.array([4, 2, 3, 5, 1]) / 6), atol=1e-12)
    raw = np.array([norm.ppf(2.5 / 4), 0, norm.ppf(2.5 / 4), norm.ppf(1 / 4), 0])
    np.testing.assert_allclose(scores[:, 1], raw - raw.mean(), atol=1e-12)


def test_normal_scores_of_columns_that_say_nothing_are_zero():
    values = np.column_stack([np.full(5, 7.0), np.full(5, np.nan), [1.0, np.nan, 1.0, 1.0, np.nan]])
    assert np.array_equal(normal_scores(values), np.zeros((5, 3)))


def test_design_does_not_look_at_the_labels():
    rows = make()
    other = Rows(rows.values, rows.suspect[::-1].copy(), rows.groups, rows.columns)
    one, two = (build_design(each, folds=5, rng=np.random.default_rng(1)) for each in (rows, other))
    assert np.array_equal(one.order, two.order)
    assert np.array_equal(one.matrix, two.matrix)
    assert one.folds == two.folds


def test_folds_are_even_and_keep_a_group_together():
    rows = make()
    groups = tuple(f"g{number % 15}" for number in range(24))
    suspect = np.arange(24) < 15
    design = build_design(Rows(rows.values, suspect, groups, rows.columns), folds=5, rng=np.random.default_rng(1))
    placed = [{groups[row] for row in design.order[fold]} for fold in design.folds]
    assert sum(len(names) for names in placed) == 15
    assert {len(names) for names in placed} == {3}
    assert len(design.pairs) == 9
    for first, second in design.pairs:
        assert groups[design.order[first]] == groups[design.order[second]]
        assert design.suspect[first]
        assert not design.suspect[second]


@pytest.mark.parametrize("chunk_bytes", [1, 24 * 8 * 7, 10**9])
def test_relabellings_keep_sizes_and_do_not_depend_on_the_chunk(chunk_bytes: int):
    rows = make()
    groups = tuple(f"g{number % 15}" for number in range(24))
    mixed = Rows(rows.values, np.arange(24) < 15, groups, rows.columns)
    design = build_design(mixed, folds=3, rng=np.random.default_rng(1))
    drawn = np.hstack(list(permuted_labels(design, 50, np.random.default_rng(2), chunk_bytes=chunk_bytes)))
    whole = np.hstack(list(permuted_labels(design, 50, np.random.default_rng(2))))
    assert np.array_equal(drawn, whole)
    assert np.array_equal(drawn[:, 0], design.suspect)
    assert np.all(drawn.sum(axis=0) == 15)
    assert np.all(drawn[design.pairs].sum(axis=1) == 1)
    assert len(np.unique(drawn.T, axis=0)) > 40


def test_every_relabelling_is_equally_likely():
    rows = Rows(
        np.arange(6.0)[:, None], np.array([1, 0, 1, 0, 1, 0], bool), ("a", "a", "b", "c", "d", "e"), named_columns(1)
    )
    design = build_design(rows, folds=2, rng=np.random.default_rng(0))
    drawn = np.hstack(list(permuted_labels(design, 12_000, np.random.default_rng(1))))[:, 1:]
    _, counts = np.unique(drawn.T, axis=0, return_counts=True)
    assert len(counts) == 2 * 6  # a coin for the pair, two of four for the rest
    assert np.all(np.abs(counts - 1000) < 5 * np.sqrt(1000))


def test_refusals():
    rows = make()
    with pytest.raises(UsageError, match="held-out side has 1 groups"):
        build_design(
            Rows(rows.values, np.arange(24) < 23, rows.groups, rows.columns), folds=5, rng=np.random.default_rng(0)
        )
    with pytest.raises(ValueError, match="several rows on one side"):
        build_design(
            Rows(rows.values, rows.suspect, ("same",) * 24, rows.columns), folds=5, rng=np.random.default_rng(0)
        )
    with pytest.raises(ValueError, match="rows disagree"):
        build_design(
            Rows(rows.values, rows.suspect, rows.groups[1:], rows.columns), folds=5, rng=np.random.default_rng(0)
        )
    with pytest.raises(ValueError, match="two folds"):
        build_design(rows, folds=1, rng=np.random.default_rng(0))
