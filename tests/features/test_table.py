from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from auditor.core.errors import RunError, UsageError
from auditor.features.catalogue import select_features
from auditor.features.feature import Missing, feature
from auditor.features.table import compute_table, drop_sparse, group_rows, requested_views
from auditor.results.rows import Column, FeatureTable, Rows
from auditor.signals.tokens import TokenSignals

Maker = Callable[..., TokenSignals]
AS_IS = ("target", "as-is")


def test_a_row_a_document_and_a_column_a_feature(record: Maker) -> None:
    documents = [{AS_IS: record([-1.0, -3.0])}, {AS_IS: record([-5.0])}]
    table, reasons = compute_table(select_features("loss,loss-slope"), documents, references=())
    assert table.names == ("loss", "loss-slope")
    assert table.columns[0] == Column("loss", "loss", -1)
    assert table.values.dtype == np.float64
    np.testing.assert_allclose(table.values[:, 0], [2, 5])
    assert math.isfinite(table.values[0, 1])
    assert math.isnan(table.values[1, 1])
    assert reasons == {"loss": {}, "loss-slope": {"fewer than 2 scored tokens": 1}}


def test_reasons_are_counted(record: Maker) -> None:
    documents = [{AS_IS: record(values)} for values in ([], [-1.0], [-1.0], [-math.inf])]
    table, reasons = compute_table(select_features("loss,extraction-logprob"), documents, references=())
    assert reasons["loss"] == {"no scored tokens": 1, "not a finite number": 1}
    assert reasons["extraction-logprob"] == {"no scored tokens": 1, "no token with 32 tokens of context": 3}
    assert np.isnan(table.values[:, table.names.index("loss")]).tolist() == [True, False, False, True]


def test_reference_features_have_no_column_without_a_reference(record: Maker) -> None:
    features = select_features("loss,reference-gap")
    assert compute_table(features, [{AS_IS: record([-1.0])}], references=())[0].names == ("loss",)
    assert requested_views(features, ()) == (AS_IS,)


def test_one_reference_keeps_the_name_and_several_add_their_labels(record: Maker) -> None:
    features = select_features("loss,wbc")
    document = {
        AS_IS: record([-1.0, -1.0]),
        ("old", "as-is"): record([-2.0, -2.0]),
        ("base", "as-is"): record([-0.5, -0.5]),
    }
    assert compute_table(features, [document], references=("old",))[0].names == ("loss", "wbc")
    table, reasons = compute_table(features, [document], references=("old", "base"))
    assert table.names == ("loss", "wbc@old", "wbc@base")
    np.testing.assert_allclose(table.values, [[1, 1, 0]])
    assert set(reasons) == set(table.names)


def test_requested_views_name_each_text_once() -> None:
    assert requested_views(select_features("default"), ("base",)) == (
        AS_IS,
        ("target", "lowercase"),
        ("target", "word-drop"),
        ("target", "repeat"),
        ("base", "as-is"),
    )


@pytest.mark.parametrize("labels", [("base", "base"), ("target",)])
def test_labels_must_differ(labels: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="label"):
        requested_views(select_features("loss"), labels)


def test_a_record_that_was_not_scored_is_an_error(record: Maker) -> None:
    scored = {AS_IS: record([-1.0]), ("target", "lowercase"): record([-2.0], ids=[1])}
    with pytest.raises(RunError, match=r"document 2 .*'lowercase'.*'lowercase-gap'"):
        compute_table(select_features("lowercase-gap"), [scored, {AS_IS: record([-1.0])}], references=())


def test_no_document_and_no_feature_are_empty_tables(record: Maker) -> None:
    assert compute_table(select_features("loss"), [], references=())[0].values.shape == (0, 1)
    assert compute_table((), [{AS_IS: record([-1.0])}], references=())[0].values.shape == (1, 0)


def test_missing_carries_its_reason_and_is_not_a_number() -> None:
    assert math.isnan(Missing("why"))
    assert Missing("why").reason == "why"


def test_the_decorator_takes_the_summary_from_the_docstring() -> None:
    @feature(name="toy", family="toy", source="nowhere")
    def toy(signals: TokenSignals) -> float:
        """One line.

        More.
        """
        return float(len(signals))

    assert (toy.summary, toy.direction, toy.sets) == ("One line.", 1, frozenset({"default"}))


def table_of(values: list[list[float]]) -> FeatureTable:
    array = np.array(values, dtype=np.float64)
    return FeatureTable(columns=tuple(Column(f"f{i}", "toy", 1) for i in range(array.shape[1])), values=array)


def test_rows_are_means_by_group_suspect_first() -> None:
    table = table_of([[1, 10], [2, 20], [4, 40], [7, 70]])
    rows = group_rows(table, ["b", "z", "a", "z"], [False, True, True, True])
    assert rows.groups == ("z", "a", "b")
    assert rows.suspect.tolist() == [True, True, False]
    assert rows.suspect.dtype == np.bool_
    np.testing.assert_allclose(rows.values, [[4.5, 45], [4, 40], [1, 10]])
    assert rows.columns == table.columns


def test_group_means_skip_missing_values() -> None:
    nan = math.nan
    rows = group_rows(table_of([[1, nan], [nan, nan], [5, 2]]), ["a", "a", "a"], [True, True, False])
    np.testing.assert_array_equal(rows.values, [[1, nan], [5, 2]])


def test_a_group_on_both_sides_is_two_rows() -> None:
    rows = group_rows(table_of([[1], [2]]), ["a", "a"], [False, True])
    assert rows.groups == ("a", "a")
    np.testing.assert_allclose(rows.values, [[2], [1]])


def test_rows_do_not_depend_on_how_the_sides_are_interleaved() -> None:
    values, groups, suspect = [[1.0], [2.0], [3.0], [4.0]], ["a", "b", "c", "b"], [True, False, True, False]
    order = [1, 0, 3, 2]
    plain = group_rows(table_of(values), groups, suspect)
    mixed = group_rows(table_of([values[i] for i in order]), [groups[i] for i in order], [suspect[i] for i in order])
    assert plain.groups == mixed.groups
    np.testing.assert_array_equal(plain.values, mixed.values)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="2 documents, 1 groups, 2 sides"):
        group_rows(table_of([[1], [2]]), ["a"], [True, False])


def test_sparse_columns_are_left_out_without_a_look_at_the_labels() -> None:
    values = np.ones((10, 3))
    values[:3, 0] = np.nan
    values[:2, 1] = np.nan
    columns = tuple(Column(name, "f", 1) for name in "abc")
    for labels in (np.arange(10) < 5, np.arange(10) % 2 == 0):
        kept = drop_sparse(Rows(values, labels, tuple("abcdefghij"), columns), 0.2)
        assert [column.name for column in kept.columns] == ["b", "c"]
        assert kept.values.shape == (10, 2)
    with pytest.raises(UsageError, match="every feature is missing"):
        drop_sparse(Rows(values * np.nan, labels, tuple("abcdefghij"), columns), 0.2)
