"""The matrix products must be what a loop of explicit refits gives."""

from __future__ import annotations

import numpy as np
import pytest
from simulate import document_rows, sample

from auditor.inference.design import Design, build_design, permuted_labels
from auditor.inference.discriminant import RIDGE, CrossFit
from auditor.inference.null_distribution import PermutationStatistics, critical, one_sided, standardise, tail
from auditor.inference.separability import separability
from auditor.results.rows import Rows


def brute_scores(design: Design, labels: np.ndarray) -> np.ndarray:
    scores = np.empty(len(labels))
    for fold in design.folds:
        held = np.zeros(len(labels), bool)
        held[fold] = True
        train, answers = design.matrix[~held], labels[~held]
        centred = train - train.mean(axis=0)
        system = centred.T @ centred + RIDGE * len(train) * np.eye(train.shape[1])
        weights = np.linalg.solve(system, centred.T @ (answers - answers.mean()))
        scores[held] = (design.matrix[held] - design.matrix[held].mean(axis=0)) @ weights
    return scores


def setting(seed: int = 0, documents: int = 15, columns: int = 6) -> tuple[Rows, Design, np.ndarray]:
    rows = document_rows(sample(np.random.default_rng(seed), documents, columns=columns, effect=0.4), undirected=1)
    groups = tuple(f"g{number % (2 * documents - 4)}" for number in range(2 * documents))
    rows = Rows(rows.values, rows.suspect, groups, rows.columns)
    design = build_design(rows, folds=4, rng=np.random.default_rng(1))
    return rows, design, np.hstack(list(permuted_labels(design, 60, np.random.default_rng(2))))


def test_scores_equal_explicit_refits():
    _, design, labels = setting()
    expected = np.stack([brute_scores(design, column) for column in labels.T], axis=1)
    np.testing.assert_allclose(CrossFit(design).scores(labels), expected, rtol=0, atol=1e-10)


def test_scores_are_linear_in_the_labels():
    _, design, labels = setting()
    fit = CrossFit(design)
    left, right = labels[:, :1], labels[:, 1:2]
    mixed = fit.scores(0.3 * left - 2.0 * right)
    np.testing.assert_allclose(mixed, 0.3 * fit.scores(left) - 2.0 * fit.scores(right), atol=1e-12)


def test_learned_statistic_is_the_correlation_of_refitted_scores_with_labels():
    _, design, labels = setting()
    _, learned = CrossFit(design).products(labels)
    expected = [np.corrcoef(brute_scores(design, column), column)[0, 1] for column in labels.T]
    np.testing.assert_allclose(learned, expected, atol=1e-10)


def test_whole_test_equals_a_loop_over_permutations():
    rows, _, _ = setting(seed=3)
    found = separability(rows, rng=np.random.default_rng(9), alpha=0.1, permutations=199, folds=4, bootstraps=20)
    fold_rng, label_rng, _ = np.random.default_rng(9).spawn(3)
    design = build_design(rows, folds=4, rng=fold_rng)
    labels = np.hstack(list(permuted_labels(design, 199, label_rng)))
    directed = np.array([column.direction != 0 for column in rows.columns])
    families = [column.family for column in rows.columns]
    raw: dict[str, list[float]] = {}
    for answers in labels.T:
        difference = design.matrix[answers == 1].mean(axis=0) - design.matrix[answers == 0].mean(axis=0)
        values = {
            "learned": np.corrcoef(brute_scores(design, answers), answers)[0, 1],
            "mean": difference[directed].mean(),
        }
        for name in dict.fromkeys(families):
            members = np.array([family == name for family in families])
            if directed[members].any():
                values[f"family:{name}"] = difference[members & directed].mean()
            else:
                part = design.matrix[:, members]
                system = part.T @ part / len(part) + RIDGE * np.eye(members.sum())
                values[f"family:{name}"] = np.cbrt(difference[members] @ np.linalg.solve(system, difference[members]))
        for name, value in values.items():
            raw.setdefault(name, []).append(value)
    z = {name: (np.array(values) - np.mean(values)) / np.std(values) for name, values in raw.items()}
    assert {statistic.name for statistic in found.statistics} == set(z)
    largest = np.max(list(z.values()), axis=0)
    for statistic in found.statistics:
        assert statistic.z == pytest.approx(z[statistic.name][0], abs=1e-8)
        assert statistic.p_adjusted == pytest.approx(np.mean(largest >= z[statistic.name][0] - 1e-9))
    assert found.p_value == pytest.approx(np.mean(largest >= largest[0] - 1e-9))
    assert found.critical_z == pytest.approx(np.sort(largest)[-20], abs=1e-8)
    assert found.mean_z == pytest.approx(z["mean"][0], abs=1e-8)
    np.testing.assert_allclose(np.array(found.scores)[design.order], brute_scores(design, labels[:, 0]), atol=1e-10)


def test_column_p_values_by_hand():
    rows, _, _ = setting(seed=4)
    found = separability(rows, rng=np.random.default_rng(9), alpha=0.1, permutations=199, folds=4, bootstraps=20)
    fold_rng, label_rng, _ = np.random.default_rng(9).spawn(3)
    design = build_design(rows, folds=4, rng=fold_rng)
    labels = np.hstack(list(permuted_labels(design, 199, label_rng)))
    z = standardise(design.matrix.T @ labels)
    free = np.array([column.direction == 0 for column in rows.columns])
    z[free] = one_sided(z[free])
    for effect, own in zip(found.columns, z[:, 0], strict=True):
        assert effect.p_adjusted == pytest.approx(np.mean(z.max(axis=0) >= own - 1e-9))


def test_one_sided_keeps_the_tail():
    from scipy.stats import norm

    z = np.array([-3.0, -0.2, 0.5, 1.96, 6.0, 30.0])
    np.testing.assert_allclose(norm.sf(one_sided(z[:5])), 2 * norm.sf(np.abs(z[:5])), rtol=1e-9)
    assert np.isfinite(one_sided(np.array([0.0, 30.0]))).all()
    assert one_sided(z)[-1] > 29


def test_standardise_leaves_constants_at_zero():
    assert np.array_equal(standardise(np.full((2, 4), 3.3)), np.zeros((2, 4)))


def test_tail_and_critical_agree():
    pool = np.random.default_rng(0).standard_normal(1000)
    bar = critical(pool, 0.05)
    assert tail(pool, bar) == 0.05
    assert tail(pool, np.sort(pool)[-51]) > 0.05
    with pytest.raises(ValueError, match="cannot reach"):
        critical(pool[:50], 0.01)


def test_pool_does_not_depend_on_the_chunk():
    rows, design, _ = setting()
    statistics = PermutationStatistics(design, rows.columns)
    whole = statistics.pool(permuted_labels(design, 60, np.random.default_rng(2)))
    pieces = statistics.pool(permuted_labels(design, 60, np.random.default_rng(2), chunk_bytes=8 * 30 * 7))
    np.testing.assert_allclose(pieces.raw, whole.raw, atol=1e-12)
    np.testing.assert_allclose(pieces.totals, whole.totals, atol=1e-12)
