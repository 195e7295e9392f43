"""Changes from a reference, and columns less what others predict of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from simulate import named_columns

from auditor.inference.adjusted import adjusted, changes
from auditor.inference.separability import separability
from auditor.results.rows import Column, Rows

GROUPS = 60
SUSPECT = np.repeat([True, False], GROUPS)
NAMES = tuple(f"g{number}" for number in range(2 * GROUPS))


def rows(values: np.ndarray, columns: tuple[Column, ...] | None = None) -> Rows:
    return Rows(values, SUSPECT, NAMES, columns or named_columns(values.shape[1]))


def p_value(of: Rows, seed: int) -> float:
    return separability(of, rng=np.random.default_rng(seed), alpha=0.05, permutations=199, bootstraps=2).p_value


def test_a_change_is_the_difference_of_common_columns_and_comparing_ones_as_they_are() -> None:
    loss, gap, shuffled = Column("loss", "loss", 1), Column("gap", "reference", 1), Column("shuffled", "other", 1)
    target = rows(np.arange(3.0 * 2 * GROUPS).reshape(-1, 3), (loss, gap, shuffled))
    reference = rows(np.full((2 * GROUPS, 1), 2.0), (loss,))
    change = changes(target, reference, {"gap"})
    assert [column.name for column in change.columns] == ["loss", "gap"]
    np.testing.assert_array_equal(change.values, np.column_stack([target.values[:, 0] - 2, target.values[:, 1]]))


def test_a_reference_of_other_groups_is_refused() -> None:
    target = rows(np.zeros((2 * GROUPS, 1)))
    with pytest.raises(ValueError, match="other groups"):
        changes(target, dataclasses.replace(target, groups=NAMES[::-1]))


def test_missing_values_stay_missing_and_labels_take_no_part() -> None:
    rng = np.random.default_rng(1)
    values, text = rng.normal(size=(2 * GROUPS, 3)), rows(rng.normal(size=(2 * GROUPS, 5)))
    values[3, 1] = np.nan
    first = adjusted(rows(values), text, rng=np.random.default_rng(2))
    assert np.isnan(first.values).sum() == 1
    assert np.isnan(first.values[3, 1])
    swapped = dataclasses.replace(rows(values), suspect=~SUSPECT)
    second = adjusted(swapped, dataclasses.replace(text, suspect=~SUSPECT), rng=np.random.default_rng(2))
    np.testing.assert_array_equal(first.values, second.values)


def test_a_constant_column_stays_constant() -> None:
    rng = np.random.default_rng(4)
    rest = adjusted(rows(np.full((2 * GROUPS, 1), 3.0)), rows(rng.normal(size=(2 * GROUPS, 30))), rng=rng)
    assert np.ptp(rest.values) == 0


def test_columns_that_predict_nothing_take_little_out() -> None:
    rng = np.random.default_rng(3)
    values, text = rng.normal(size=(2 * GROUPS, 3)), rows(rng.normal(size=(2 * GROUPS, 40)))
    before, after = rows(values), adjusted(rows(values), text, rng=rng)
    for column in range(3):
        assert np.corrcoef(before.values[:, column], after.values[:, column])[0, 1] > 0.9


@pytest.mark.simulation
@pytest.mark.parametrize(("effect", "least", "most"), [(0.0, 0.0, 0.15), (1.0, 0.9, 1.0)])
def test_a_shift_that_the_text_shows_is_taken_out_and_an_effect_beyond_it_stays(
    effect: float, least: float, most: float
) -> None:
    """Sixty audits whose texts differ and whose columns follow the text: without the adjustment nearly all reject."""
    rejections, without = 0, 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        text = rng.normal(size=(2 * GROUPS, 8)) + 0.5 * SUSPECT[:, None] * (np.arange(8) < 2)
        noise = rng.normal(size=(2 * GROUPS, 3))
        values = text[:, :2].sum(axis=1)[:, None] + noise + effect * SUSPECT[:, None]
        without += p_value(rows(values), seed) <= 0.05
        rejections += p_value(adjusted(rows(values), rows(text), rng=rng), seed) <= 0.05
    assert without >= 50
    assert least <= rejections / 60 <= most


@pytest.mark.simulation
def test_the_adjusted_test_keeps_its_level_where_the_sides_are_alike() -> None:
    """Of 200 audits at 0.05 at most 10 + 3 standard errors reject."""
    rejections = 0
    for seed in range(200):
        rng = np.random.default_rng(1000 + seed)
        text = rng.normal(size=(2 * GROUPS, 6))
        values = text[:, :1] + rng.standard_t(3, size=(2 * GROUPS, 3))
        rest = adjusted(rows(values), rows(text), rng=rng)
        rejections += separability(rest, rng=rng, alpha=0.05, permutations=99, bootstraps=2).p_value <= 0.05
    assert rejections <= 10 + 3 * np.sqrt(200 * 0.05 * 0.95)
