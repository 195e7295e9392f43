from __future__ import annotations

import itertools
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, kstest
from simulate import document_rows, named_columns, sample, window_rows
from threadpoolctl import threadpool_info

from auditor.core.errors import UsageError
from auditor.inference.auc import auc
from auditor.inference.separability import separability
from auditor.inference.threads import one_blas_thread
from auditor.results.rows import Rows
from auditor.results.separability import Separability


def run(
    rows: Rows, seed: int = 0, *, alpha: float = 0.05, permutations: int = 199, bootstraps: int = 2
) -> Separability:
    return separability(
        rows, rng=np.random.default_rng([seed, 1]), alpha=alpha, permutations=permutations, bootstraps=bootstraps
    )


def within(count: int, draws: int, rate: float, *, tail: float = 1e-4) -> bool:
    return bool(binom.ppf(tail, draws, rate) <= count <= binom.ppf(1 - tail, draws, rate))


@pytest.mark.simulation
@pytest.mark.parametrize(("windows", "icc", "heavy"), [(1, 0.0, False), (25, 0.3, False), (1, 0.0, True)])
def test_p_values_are_uniform_under_the_null(windows: int, icc: float, heavy: bool):
    p = [
        run(
            document_rows(
                sample(np.random.default_rng([seed, 0]), 12, columns=8, windows=windows, icc=icc, heavy=heavy),
                undirected=1,
            ),
            seed,
        ).p_value
        for seed in range(500)
    ]
    # p lies on a grid of 1/200, so half a step is taken off for the continuous reference.
    assert kstest(np.array(p) - 0.0025, "uniform").pvalue > 1e-3
    for rate in (0.05, 0.1, 0.5):
        assert within(int(np.sum(np.array(p) <= rate + 1e-12)), 500, rate)


@pytest.mark.simulation
def test_windows_as_units_would_accuse_falsely():
    rejected = [
        run(window_rows(sample(np.random.default_rng([seed, 0]), 10, columns=6, windows=12, icc=0.3)), seed).p_value
        <= 0.05
        for seed in range(60)
    ]
    assert np.mean(rejected) > 0.5


def test_exact_over_every_labelling_of_a_tiny_design():
    values = np.random.default_rng(5).standard_normal((8, 3))
    p = []
    for seed, chosen in enumerate(itertools.combinations(range(8), 4)):
        suspect = np.isin(np.arange(8), chosen)
        p.append(run(Rows(values, suspect, tuple("abcdefgh"), named_columns(3)), seed, permutations=399).p_value)
    assert len(p) == 70
    # Over all labellings of one design the p-value is uniform up to Monte-Carlo error, and never below 1/70 for all.
    assert np.mean(np.array(p) <= 0.1) <= 0.1 + 3 * np.sqrt(0.09 / 70)
    assert np.mean(p) == pytest.approx(0.5, abs=0.08)


@pytest.mark.simulation
def test_pairs_are_exact_and_stronger_than_without_pairing():
    paired, loose, null = [], [], []
    for seed in range(60):
        rng = np.random.default_rng([seed, 0])
        shared = rng.standard_normal((25, 4))
        noise = 0.3 * rng.standard_normal((50, 4))
        names = tuple(f"g{number % 25}" for number in range(50))
        suspect = np.arange(50) < 25
        for effect, results in ((0.25, paired), (0.0, null)):
            values = np.vstack([shared, shared]) + noise + effect * suspect[:, None]
            rows = Rows(values, suspect, names, named_columns(4))
            results.append(run(rows, seed).p_value <= 0.05)
            if effect:
                free = replace(rows, groups=tuple(f"r{number}" for number in range(50)))
                loose.append(run(free, seed).p_value <= 0.05)
    assert within(sum(null), 60, 0.05)
    assert np.mean(paired) > np.mean(loose) + 0.3


def test_order_of_rows_and_monotone_transforms_change_nothing():
    rows = document_rows(sample(np.random.default_rng(1), 30, columns=5, effect=0.2), undirected=1)
    base = run(rows, bootstraps=50)
    bent = Rows(np.exp(rows.values / 3), rows.suspect, rows.groups, rows.columns)
    assert run(bent, bootstraps=50) == base
    shuffle = np.random.default_rng(2).permutation(60)
    moved = run(
        Rows(rows.values[shuffle], rows.suspect[shuffle], tuple(rows.groups[row] for row in shuffle), rows.columns),
        bootstraps=50,
    )
    assert moved.model_copy(update={"scores": base.scores}) == base
    assert moved.scores == tuple(np.array(base.scores)[shuffle].tolist())


def test_direction_turns_a_column():
    rows = document_rows(sample(np.random.default_rng(1), 30, columns=4, effect=1.0))
    turned = replace(rows, values=-rows.values, columns=tuple(replace(column, direction=-1) for column in rows.columns))
    base, other = run(rows), run(turned)
    assert other.p_value == base.p_value
    assert other.mean_z == pytest.approx(base.mean_z)
    assert [column.auc for column in other.columns] == pytest.approx([column.auc for column in base.columns])
    against = run(replace(rows, columns=tuple(replace(column, direction=-1) for column in rows.columns)))
    assert against.mean_z is not None
    assert against.mean_z < -3


def test_missing_values_and_empty_columns():
    rows = document_rows(sample(np.random.default_rng(1), 30, columns=4, effect=1.0))
    values = rows.values.copy()
    values[:15, 1] = np.nan
    values[:, 2] = np.nan
    values[:, 3] = 1.0
    found = run(replace(rows, values=values))
    assert found.p_value <= 0.01
    assert (found.columns[1].missing_suspect, found.columns[1].missing_heldout) == (0.5, 0.0)
    assert found.columns[2].missing_suspect == 1.0
    for empty in found.columns[2:]:
        assert (empty.auc, empty.p_adjusted, empty.weight) == (0.5, 1.0, 0.0)


def test_nothing_to_see_gives_one():
    rows = document_rows(sample(np.random.default_rng(1), 10, columns=3))
    found = run(replace(rows, values=np.ones_like(rows.values)))
    assert (found.p_value, found.auc, found.detectable_auc) == (1.0, 0.5, None)
    assert set(found.scores) == {0.0}


def test_columns_without_direction_are_seen_and_give_no_mean():
    rows = document_rows(sample(np.random.default_rng(1), 60, columns=6, effect=0.5, shape="contrast"), undirected=5)
    found = run(rows)
    assert found.p_value <= 0.01
    assert found.mean_z is None
    assert [statistic.name for statistic in found.statistics] == ["learned", *(f"family:family-{k}" for k in range(5))]
    assert found.detectable_auc is not None
    assert 0.5 < found.detectable_auc < found.auc


def test_result_describes_the_rows():
    rows = document_rows(sample(np.random.default_rng(1), 30, columns=4, effect=0.5))
    found = run(rows, bootstraps=200)
    assert found.auc == auc(np.array(found.scores), rows.suspect)
    assert found.auc_interval.low < found.auc < found.auc_interval.high
    assert (found.groups_suspect, found.groups_heldout, found.permutations, found.folds) == (30, 30, 199, 5)
    for index, column in enumerate(found.columns):
        assert column.auc == auc(rows.values[:, index], rows.suspect)
        assert column.auc_interval.low <= column.auc <= column.auc_interval.high
    assert found.p_value == min(statistic.p_adjusted for statistic in found.statistics)
    assert found.p_value <= found.alpha
    assert max(statistic.z for statistic in found.statistics) >= found.critical_z


def test_same_seed_same_answer_and_bootstraps_leave_the_test_alone():
    rows = document_rows(sample(np.random.default_rng(1), 20, columns=4, effect=0.3))
    assert run(rows, 3) == run(rows, 3)
    assert run(rows, 3, bootstraps=9).p_value == run(rows, 3, bootstraps=2).p_value
    assert run(rows, 3).statistics != run(rows, 4).statistics


def test_more_columns_than_groups():
    rows = document_rows(sample(np.random.default_rng(1), 12, columns=80, effect=0.8))
    assert run(rows).p_value <= 0.05


def test_no_matrix_of_groups_by_groups_is_formed():
    rows = document_rows(sample(np.random.default_rng(1), 2500, columns=3))
    tracemalloc.start()
    run(rows, permutations=499, bootstraps=50)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5000 * 5000 * 8 / 3


def test_one_thread_inside_and_as_many_as_before_outside():
    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    before = threads()
    with one_blas_thread():
        assert threads() == {1}
    assert threads() == before


def test_refusals():
    rows = document_rows(sample(np.random.default_rng(1), 5, columns=2))
    with pytest.raises(UsageError, match="cannot give a p-value"):
        run(rows, alpha=0.001)
    with pytest.raises(UsageError, match="no feature"):
        run(replace(rows, values=rows.values[:, :0], columns=()))


@pytest.mark.simulation
def test_detectable_auc_is_found_as_often_as_promised():
    """Columns made so that the mean statistic has exactly the detectable AUC; then the mean must pass at 80 %."""
    columns, documents = 6, 60
    null = run(document_rows(sample(np.random.default_rng(0), documents, columns=columns)), permutations=999)
    assert null.detectable_auc is not None
    from auditor.inference.power import shift_of_auc

    shift = shift_of_auc(null.detectable_auc)
    found = passed = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 3])
        score = rng.standard_normal(2 * documents) + shift * (np.arange(2 * documents) < documents)
        noise = rng.standard_normal((2 * documents, columns))
        values = score[:, None] + 0.5 * (noise - noise.mean(axis=1, keepdims=True))
        rows = document_rows(sample(rng, documents, columns=columns))
        result = run(replace(rows, values=values), seed)
        found += result.p_value <= 0.05
        passed += result.mean_z is not None and result.mean_z >= result.critical_z
    assert 0.70 <= passed / 200 <= 0.90
    assert found / 200 >= 0.75


@pytest.mark.simulation
@pytest.mark.parametrize("effect", [0.0, 0.3])
def test_intervals_cover(effect: float):
    """The out-of-fold AUC's interval covers its expectation, each column's interval its true AUC."""
    from auditor.inference.power import auc_of_shift

    learned, columns = [], []
    for seed in range(150):
        rng = np.random.default_rng([seed, 8])
        values = rng.standard_normal((100, 4)) + effect * (np.arange(100) < 50)[:, None]
        rows = Rows(values, np.arange(100) < 50, tuple(map(str, range(100))), named_columns(4))
        found = run(rows, seed, permutations=99, bootstraps=200)
        learned.append((found.auc, found.auc_interval))
        columns.append(found.columns[0].auc_interval)
    centre = np.mean([value for value, _ in learned])
    if effect == 0:
        assert centre == pytest.approx(0.5, abs=0.02)
    assert np.mean([interval.low <= centre <= interval.high for _, interval in learned]) >= 0.89
    truth = auc_of_shift(effect)
    assert 0.89 <= np.mean([interval.low <= truth <= interval.high for interval in columns]) <= 0.99
