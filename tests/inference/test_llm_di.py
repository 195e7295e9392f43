from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from simulate import document_rows, sample

from auditor.core.errors import UsageError
from auditor.inference.llm_di import THRESHOLD, llm_dataset_inference
from auditor.inference.separability import separability


def test_combination_and_decision():
    drawn = sample(np.random.default_rng(0), 200, columns=6, effect=0.8)
    found = llm_dataset_inference(drawn.values, drawn.suspect, rng=np.random.default_rng(1), seeds=3)
    assert len(found.seed_p_values) == 3
    assert len(set(found.seed_p_values)) == 3
    assert found.p_value == pytest.approx(1 - np.prod([1 - p for p in found.seed_p_values]), abs=1e-12)
    assert found.detects
    assert found.threshold == THRESHOLD == 0.1


def test_ten_seeds_without_effect_do_not_detect():
    """Among ten seeds one p is all but surely large, and the combination is never below the largest."""
    drawn = sample(np.random.default_rng(0), 100, columns=5)
    found = llm_dataset_inference(drawn.values, drawn.suspect, rng=np.random.default_rng(1))
    assert found.p_value >= max(found.seed_p_values)
    assert not found.detects


def test_missing_values_and_flat_columns_pass():
    drawn = sample(np.random.default_rng(0), 60, columns=4)
    values = drawn.values.copy()
    values[::7, 0] = np.nan
    values[:, 1] = 2.0
    found = llm_dataset_inference(values, drawn.suspect, rng=np.random.default_rng(1), seeds=2)
    assert 0 <= found.p_value <= 1
    values[:, 2] = np.nan
    with pytest.raises(ValueError, match="without any value"):
        llm_dataset_inference(values, drawn.suspect, rng=np.random.default_rng(1))
    with pytest.raises(UsageError, match="chunks a side"):
        llm_dataset_inference(drawn.values[:62], drawn.suspect[:62], rng=np.random.default_rng(1))


@pytest.mark.simulation
def test_windows_of_few_documents_make_it_accuse_falsely_and_not_us():
    theirs, ours = 0, 0
    for seed in range(25):
        drawn = sample(np.random.default_rng([seed, 0]), 15, columns=10, windows=25, icc=0.3)
        theirs += llm_dataset_inference(drawn.values, drawn.suspect, rng=np.random.default_rng(seed), seeds=2).detects
        found = separability(
            document_rows(drawn), rng=np.random.default_rng(seed), alpha=0.1, permutations=99, bootstraps=2
        )
        ours += found.p_value <= 0.1
    assert theirs >= 20
    assert ours <= binom.ppf(1 - 1e-3, 25, 0.1)


@pytest.mark.simulation
def test_ours_finds_at_least_as_much_on_equal_data():
    theirs, ours = 0, 0
    for seed in range(25):
        drawn = sample(np.random.default_rng([seed, 0]), 80, columns=10, effect=0.22, shape="uneven")
        theirs += llm_dataset_inference(drawn.values, drawn.suspect, rng=np.random.default_rng(seed)).detects
        found = separability(
            document_rows(drawn), rng=np.random.default_rng(seed), alpha=0.05, permutations=199, bootstraps=2
        )
        ours += found.p_value <= 0.05
    assert ours >= theirs + 8
