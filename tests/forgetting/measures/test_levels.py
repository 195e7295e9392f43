from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from auditor.core.errors import RunError
from auditor.forgetting.measures.divergence import compare
from auditor.forgetting.measures.levels import measure_general, measure_heldout, measure_utility_loss
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.signals.outputs import ModelOutputs


def kept(probabilities: np.ndarray, count: int) -> ModelOutputs:
    """The lists of distributions [tokens, vocabulary]."""
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    top = np.take_along_axis(probabilities, order, axis=1)
    return ModelOutputs(None, order.astype(np.int32), np.log(top).astype(np.float32))


def draw(rng: np.random.Generator, tokens: int, vocabulary: int, heat: float) -> np.ndarray:
    logits = heat * rng.standard_normal((tokens, vocabulary))
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    # Below this a probability is nothing in float32.
    exponentials = np.maximum(exponentials / exponentials.sum(axis=1, keepdims=True), 1e-30)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def exact(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return (p * np.log(p / q)).sum(axis=1)


@pytest.mark.simulation
@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    vocabulary=st.integers(2, 60),
    share=st.floats(0.02, 1.0),
    heat=st.floats(0.0, 6.0),
    mixed=st.floats(0.0, 1.0),
)
def test_the_bound_is_never_above_the_divergence(seed: int, vocabulary: int, share: float, heat: float, mixed: float):
    rng = np.random.default_rng(seed)
    count = max(1, round(share * vocabulary))
    p = draw(rng, 8, vocabulary, heat)
    q = mixed * p + (1 - mixed) * draw(rng, 8, vocabulary, heat)
    found = compare(kept(p, count), kept(q, count))
    assert found is not None
    whole = exact(p, q)
    assert np.all(found.divergence >= 0)
    assert np.all(found.divergence <= whole + 1e-5 * (1 + whole))
    if count == vocabulary:
        np.testing.assert_allclose(found.divergence, whole, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found.covered, 1.0, atol=1e-6)


def test_identical_models_do_not_diverge():
    p = draw(np.random.default_rng(0), 20, 300, 2.0)
    found = compare(kept(p, 64), kept(p, 64))
    assert found is not None
    assert np.array_equal(found.divergence, np.zeros(20))
    assert found.agree.all()
    np.testing.assert_allclose(found.covered, np.sort(p, axis=1)[:, -64:].sum(axis=1), rtol=1e-5)


def test_bound_by_hand():
    """Lists of one: p keeps token 0 with 0.8, q keeps token 1 with 0.6.

    q may give token 0 at most 0.4, all it has left. p may give token 1 all of its 0.2, and 0.2 log(0.2 / 0.6) is less
    than p would pay anywhere else.
    """
    p, q = np.array([[0.8, 0.1, 0.1]]), np.array([[0.3, 0.6, 0.1]])
    found = compare(kept(p, 1), kept(q, 1))
    assert found is not None
    expected = 0.8 * np.log(0.8 / 0.4) + 0.2 * np.log(0.2 / 0.6)
    assert found.divergence[0] == pytest.approx(expected, abs=1e-5)
    assert found.covered[0] == 0.0
    assert not found.agree[0]


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_the_minimum_over_what_is_unknown(seed: int):
    """Against a general-purpose optimiser on the problem as it is stated."""
    rng = np.random.default_rng(seed)
    p, q = draw(rng, 1, 12, 1.5), draw(rng, 1, 12, 1.5)
    count = 4
    found = compare(kept(p, count), kept(q, count))
    assert found is not None
    first, second = (set(np.argsort(-row[0])[:count].tolist()) for row in (p, q))
    only_p, only_q, both = (sorted(part) for part in (first - second, second - first, first & second))
    known = sum(p[0, v] * np.log(p[0, v] / q[0, v]) for v in both)
    left_p, left_q = 1 - p[0, sorted(first)].sum(), 1 - q[0, sorted(second)].sum()
    caps = [float(q[0, sorted(second)].min())] * len(only_p) + [float(p[0, sorted(first)].min())] * len(only_q)

    def part(x: float, y: float) -> float:
        return 0.0 if x <= 0 else x * np.log(x / max(y, 1e-12))

    def total(unknown: np.ndarray) -> float:
        mine, theirs = unknown[: len(only_p)], unknown[len(only_p) :]
        pieces = [part(p[0, v], x) for v, x in zip(only_p, mine, strict=True)]
        pieces += [part(x, q[0, v]) for v, x in zip(only_q, theirs, strict=True)]
        return known + sum(pieces) + part(left_p - theirs.sum(), left_q - mine.sum())

    limits = [
        {"type": "ineq", "fun": lambda x: left_q - x[: len(only_p)].sum() - 1e-9},
        {"type": "ineq", "fun": lambda x: left_p - x[len(only_p) :].sum() - 1e-9},
    ]
    scale = [left_q] * len(only_p) + [left_p] * len(only_q)
    start = np.array([min(cap, left / (len(caps) + 1)) / 2 for cap, left in zip(caps, scale, strict=True)])
    best = minimize(
        total,
        start,
        bounds=[(1e-9, cap) for cap in caps],
        constraints=limits,
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.divergence[0] == pytest.approx(max(best.fun, 0.0), abs=2e-4)


def test_covered_is_what_the_origin_gives_to_entries_of_both_lists():
    p, q = np.array([[0.5, 0.3, 0.1, 0.1]]), np.array([[0.05, 0.6, 0.25, 0.1]])
    found = compare(kept(p, 2), kept(q, 2))
    assert found is not None
    assert found.covered[0] == pytest.approx(0.3)
    assert compare(kept(q, 2), kept(p, 2)).covered[0] == pytest.approx(0.6)


def test_lists_that_were_not_kept_are_not_compared():
    p = draw(np.random.default_rng(0), 3, 10, 1.0)
    nothing = ModelOutputs(None, None, None)
    assert compare(nothing, kept(p, 5)) is None
    assert compare(kept(p, 5), nothing) is None
    with pytest.raises(ValueError, match="the origin has 2 tokens, the checkpoint 3"):
        compare(kept(p[:2], 5), kept(p, 5))


def test_general_text_averages_tokens_then_documents_then_groups(record, series):
    """Two documents of one group differ in length; a mean over all tokens would be another."""
    rng = np.random.default_rng(1)
    lengths = (2, 30, 5)
    before = [draw(rng, length, 8, 2.0) for length in lengths]
    after = [0.5 * p + 0.5 * draw(rng, len(p), 8, 2.0) for p in before]
    rows = [[record(1.0, tokens=n), record(1.5, tokens=n)] for n in lengths]
    made = series(
        {"suspect": rows, "heldout": rows, "general": rows},
        groups={"general": ["a", "a", "b"]},
        traces={"general": [[kept(p, 8), kept(q, 8)] for p, q in zip(before, after, strict=True)]},
    )
    first, second = measure_general(made, rng=np.random.default_rng(0), bootstraps=200).values()
    each = [exact(p, q).mean() for p, q in zip(before, after, strict=True)]
    same = [(p.argmax(axis=1) == q.argmax(axis=1)).mean() for p, q in zip(before, after, strict=True)]
    assert (first.divergence, first.agreement, first.change) == (None, None, None)
    assert first.covered == pytest.approx(1.0)
    assert second.divergence is not None
    assert second.agreement is not None
    assert second.change is not None
    assert second.divergence.value == pytest.approx(((each[0] + each[1]) / 2 + each[2]) / 2, rel=1e-4)
    assert second.agreement.value == pytest.approx(((same[0] + same[1]) / 2 + same[2]) / 2)
    assert second.change.value == pytest.approx(0.5, rel=1e-5)
    assert second.documents == 3


def test_general_text_without_lists_or_without_text(series_of_losses):
    losses = np.random.default_rng(0).normal(2.0, 0.2, (6, 2))
    roles = {"suspect": losses, "heldout": losses}
    later = measure_general(series_of_losses({**roles, "general": losses}), rng=np.random.default_rng(0))["step1"]
    assert (later.divergence, later.covered, later.agreement) == (None, None, None)
    with pytest.raises(RunError, match="no general text"):
        measure_general(series_of_losses(roles), rng=np.random.default_rng(0))


def test_heldout_level(series_of_losses):
    losses = np.array([[1.0, 2.0], [3.0, 4.5], [2.0, 2.5]])
    found = measure_heldout(
        series_of_losses({"suspect": losses, "heldout": losses}), rng=np.random.default_rng(0), bootstraps=5000
    )
    assert found["origin"].loss.value == pytest.approx(2.0)
    assert found["origin"].change is None
    assert found["step1"].change is not None
    assert found["step1"].change.value == pytest.approx(1.0, rel=1e-6)
    assert found["step1"].change.low == pytest.approx(0.5, rel=1e-6)
    assert found["step1"].change.high == pytest.approx(1.5, rel=1e-6)


def test_utility_loss_is_a_paired_ratio_on_general_text(series_of_losses):
    """Documents differ fourfold in loss, yet the ratio is sure: both of its means come from the same documents."""
    rng = np.random.default_rng(2)
    base = rng.uniform(1.0, 4.0, (40, 1))
    general = base * np.array([1.0, 1.2, 1.3]) * rng.normal(1.0, 0.01, (40, 3))
    calm = rng.normal(2.0, 0.1, (20, 3))
    made = series_of_losses({"suspect": calm, "heldout": calm, "general": general})
    found = measure_utility_loss(made, policy=ForgettingPolicy(), rng=np.random.default_rng(0))
    assert list(found) == ["step1", "step2"]
    assert {result.measured_on for result in found.values()} == {"general"}
    assert found["step1"].ratio.value == pytest.approx(1.2, abs=0.01)
    assert found["step2"].ratio.high - found["step2"].ratio.low < 0.02
    assert [result.collapsed for result in found.values()] == [False, True]
    assert found["step1"].limit == 1.25


def test_utility_loss_needs_to_be_sure_and_falls_back_on_heldout(series_of_losses):
    """The ratio is above the limit, but for one document alone."""
    losses = np.column_stack([np.full(10, 2.0), np.where(np.arange(10) == 0, 10.0, 2.0)])
    made = series_of_losses({"suspect": losses, "heldout": losses})
    result = measure_utility_loss(made, policy=ForgettingPolicy(), rng=np.random.default_rng(0))["step1"]
    assert result.measured_on == "heldout"
    assert result.ratio.value == pytest.approx(1.4, rel=1e-5)
    assert not result.collapsed
