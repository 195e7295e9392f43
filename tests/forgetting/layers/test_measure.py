"""Layers of a series: probes share the membership test's folds, and nothing is compared that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from auditor.core.seeds import stream
from auditor.corpora.document import Corpus, Document
from auditor.forgetting.layers.measure import measure_layers
from auditor.forgetting.layers.states import principal, probe_rows
from auditor.forgetting.layers.states import states as layer_states
from auditor.forgetting.series import CorpusScores, NamedCheckpoint, Series
from auditor.inference import separability as engine
from auditor.inference.design import Design
from auditor.models.backend import ModelSpec
from auditor.results.rows import Column, Rows
from auditor.signals.outputs import ModelOutputs

pytestmark = pytest.mark.long

LAYERS, WIDTH = 3, 24


def corpus(name: str, count: int, *, per_group: int = 1) -> Corpus:
    documents = tuple(Document(f"{name}{i}", f"text {i}", f"{name} {i // per_group}") for i in range(count))
    return Corpus(name, documents, 0, 0, "")


def reading(states: np.ndarray | None, count: int) -> CorpusScores:
    """States of shape [documents, layers, width], or none."""
    if states is None:
        return CorpusScores((), ())
    assert len(states) == count
    return CorpusScores((), tuple(ModelOutputs(row.astype(np.float32), None, None) for row in states))


def series_of(
    names: Sequence[str], states: dict[tuple[str, str], np.ndarray | None], corpora: dict[str, Corpus]
) -> Series:
    readings = {key: reading(value, len(corpora[key[1]].documents)) for key, value in states.items()}
    checkpoints = tuple(NamedCheckpoint(name, cast(ModelSpec, None)) for name in names)
    return Series(checkpoints, cast(Any, corpora), cast(Any, readings), {})


def draw(count: int, seed: int, *, lift: float = 0.0, layer: int = 1) -> np.ndarray:
    states = np.random.default_rng(seed).normal(size=(count, LAYERS, WIDTH))
    states[:, layer, 0] += lift
    return states


@pytest.fixture(scope="module")
def corpora() -> dict[str, Corpus]:
    return {
        "suspect": corpus("s", 60, per_group=2),
        "heldout": corpus("h", 60, per_group=2),
        "general": corpus("g", 60, per_group=2),
    }


SAME = draw(60, 5)


def plain_series(corpora: dict[str, Corpus], *, later: np.ndarray | None = SAME) -> Series:
    """An origin without a trace and a later checkpoint with one in the middle layer; its general text as given."""
    states: dict[tuple[str, str], np.ndarray | None] = {
        ("origin", "suspect"): draw(60, 1),
        ("origin", "heldout"): draw(60, 2),
        ("later", "suspect"): draw(60, 3, lift=3.0),
        ("later", "heldout"): draw(60, 4),
    }
    if "general" in corpora:
        states["origin", "general"], states["later", "general"] = SAME, later
    return series_of(("origin", "later"), states, corpora)


def measure(series: Series) -> dict[str, Any]:
    return measure_layers(series, seed=7, alpha=0.05, permutations=199)


def test_the_probe_says_where_the_trace_sits(corpora: dict[str, Corpus]) -> None:
    found = measure(plain_series(corpora))
    assert [layer.layer for layer in found["later"]] == [0, 1, 2]
    assert found["later"][1].probe_auc > 0.8
    assert found["later"][1].probe_p_adjusted == pytest.approx(3 / 200)
    assert all(layer.probe_p_adjusted > 0.05 for at in (0, 2) for layer in [found["later"][at]])
    assert all(layer.probe_p_adjusted > 0.05 for layer in found["origin"])


def test_identical_general_states_have_not_moved(corpora: dict[str, Corpus]) -> None:
    found = measure(plain_series(corpora))
    for layer in found["later"]:
        assert layer.procrustes == pytest.approx(0.0, abs=1e-6)
        assert layer.neighbours == 1.0
        assert layer.cka == pytest.approx(1.0)
        assert layer.neighbours_chance == pytest.approx(7 / 29)
        assert layer.procrustes_chance is not None
        assert layer.procrustes_chance > 0.5


def test_other_states_are_as_far_as_chance(corpora: dict[str, Corpus]) -> None:
    found = measure(plain_series(corpora, later=draw(60, 99)))
    for layer in found["later"]:
        assert layer.procrustes == pytest.approx(layer.procrustes_chance, abs=0.1)
        assert layer.neighbours == pytest.approx(layer.neighbours_chance, abs=0.12)
        assert abs(layer.cka) < 0.15


def nothing_compared(layers: Sequence[Any]) -> bool:
    fields = ("procrustes", "procrustes_chance", "neighbours", "neighbours_chance", "cka")
    return bool(layers) and all(getattr(layer, name) is None for layer in layers for name in fields)


def test_nothing_is_compared_without_reason(corpora: dict[str, Corpus]) -> None:
    assert nothing_compared(measure(plain_series(corpora))["origin"])
    assert nothing_compared(measure(plain_series({role: corpora[role] for role in ("suspect", "heldout")}))["later"])
    assert nothing_compared(measure(plain_series(corpora, later=None))["later"])
    assert nothing_compared(measure(plain_series(corpora, later=draw(60, 0)[:, :2]))["later"])
    constant = np.broadcast_to(draw(1, 0), (60, LAYERS, WIDTH))
    assert nothing_compared(measure(plain_series(corpora, later=constant))["later"])


def test_too_few_groups_of_general_text(corpora: dict[str, Corpus]) -> None:
    """60 documents of 15 groups are 15 units."""
    few = {**corpora, "general": corpus("g", 60, per_group=4)}
    assert nothing_compared(measure(plain_series(few))["later"])


def test_no_traces_no_findings(corpora: dict[str, Corpus]) -> None:
    series = series_of(
        ("origin", "later"),
        {(name, role): None for name in ("origin", "later") for role in ("suspect", "heldout")},
        {role: corpora[role] for role in ("suspect", "heldout")},
    )
    assert measure(series) == {"origin": (), "later": ()}


def test_folds_are_those_of_the_membership_test(corpora: dict[str, Corpus], monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded where the engine makes them: the same groups stand in the same folds, layer by layer."""
    seen: list[dict[str, int]] = []
    build = engine.build_design

    def record(rows: Rows, **named: Any) -> Design:
        design = build(rows, **named)
        fold = {index: number for number, part in enumerate(design.folds) for index in range(part.start, part.stop)}
        seen.append({rows.groups[row]: fold[at] for at, row in enumerate(design.order)})
        return design

    monkeypatch.setattr(engine, "build_design", record)
    groups = [document.group for role in ("suspect", "heldout") for document in corpora[role].documents]
    units = tuple(dict.fromkeys(groups))
    features = Rows(
        np.random.default_rng(0).normal(size=(len(units), 2)),
        np.array([name.startswith("s") for name in units]),
        units,
        (Column("loss", "loss", 1), Column("rank", "ranks", 0)),
    )
    engine.separability(features, rng=stream(7, "membership"), alpha=0.05, permutations=99)
    measure(plain_series(corpora))
    assert len(seen) == 1 + 2 * LAYERS
    assert len(set(seen[0].values())) == 5
    assert all(folds == seen[0] for folds in seen[1:])


def test_the_reduction_does_not_look_at_labels() -> None:
    states = draw(40, 0)[:, 0]
    groups = [str(index) for index in range(40)]
    labels = np.arange(40) < 20
    swapped = np.random.default_rng(1).permutation(labels)
    by_group = []
    for suspect in (labels, swapped):
        rows = probe_rows(states, groups, suspect.tolist())
        by_group.append(rows.values[np.argsort(np.array(rows.groups, dtype=int))])
    np.testing.assert_allclose(np.abs(by_group[0]), np.abs(by_group[1]), atol=1e-9)


def test_documents_of_a_group_are_one_row_and_missing_ones_none() -> None:
    states = draw(6, 0)[:, 0]
    states[2] = np.nan
    rows = probe_rows(states, ["a", "a", "b", "c", "c", "d"], [True] * 3 + [False] * 3)
    assert rows.groups == ("a", "b", "c", "d")
    assert np.isnan(rows.values[1]).all()
    means = np.stack([states[:2].mean(axis=0), states[3:5].mean(axis=0), states[5]])
    np.testing.assert_allclose(
        np.linalg.norm(rows.values[[0, 2]][0] - rows.values[[0, 2]][1]),
        np.linalg.norm((means[0] - means[1]) / means.std(axis=0)),
    )


@pytest.mark.parametrize(("rows", "width"), [(50, 8), (12, 40)])
def test_principal_components_are_those_of_the_svd(rows: int, width: int) -> None:
    matrix = np.random.default_rng(0).normal(size=(rows, width)) * np.geomspace(1, 1e6, width)
    scaled = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    left, values, _ = np.linalg.svd(scaled, full_matrices=False)
    np.testing.assert_allclose(np.abs(principal(matrix, 5)), np.abs(left[:, :5] * values[:5]), atol=1e-8)


def test_rounding_noise_is_no_component() -> None:
    """A dimension that is constant but for rounding would count as much as any, were it given the same spread."""
    rng = np.random.default_rng(0)
    constant = (1e4 * (1 + 1e-12 * rng.normal(size=30)))[:, None]
    assert principal(np.hstack([rng.normal(size=(30, 1)), constant]), 5).shape == (30, 1)


def test_states_that_are_not_finite_are_missing() -> None:
    good, bad = np.ones((2, 3), dtype=np.float32), np.array([[1, 2, 3], [1, np.inf, 3]], dtype=np.float32)
    traces = [ModelOutputs(None, None, None), ModelOutputs(good, None, None), ModelOutputs(bad, None, None)]
    assert np.isnan(layer_states(traces, 1)).tolist() == [[True] * 3, [False] * 3, [True] * 3]
    assert np.isnan(layer_states(traces, 0)).tolist() == [[True] * 3, [False] * 3, [False] * 3]


def test_states_that_do_not_vary_give_a_probe_that_sees_nothing(corpora: dict[str, Corpus]) -> None:
    """Embeddings of a fixed token, say; and half precision overflowing in one document harms no other."""
    suspect, heldout = draw(60, 1), draw(60, 2)
    suspect[:, 0] = heldout[:, 0] = 0.3
    suspect[4, 2, 3] = np.inf
    states = {
        (name, role): value for name in ("a", "b") for role, value in (("suspect", suspect), ("heldout", heldout))
    }
    found = measure(series_of(("a", "b"), states, {role: corpora[role] for role in ("suspect", "heldout")}))
    assert found["b"][0].probe_p_value == 1.0
    assert found["b"][0].probe_auc == 0.5
    assert 0.2 < found["b"][2].probe_auc < 0.8


def test_enough_relabellings_for_holm_over_the_layers(corpora: dict[str, Corpus]) -> None:
    """With 99 permuted labels and three layers the smallest adjusted p-value would be 0.03."""
    series = plain_series(corpora)
    found = measure_layers(series, seed=0, alpha=0.01, permutations=99)
    assert found["later"][1].probe_p_adjusted <= 0.01
