"""Each single-pass feature against values worked out by hand, and the pitfalls of its formula."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.features._tokens import tail_size
from auditor.features.catalogue import all_features
from auditor.features.feature import Feature, Missing
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import TARGET

Maker = Callable[..., TokenSignals]
FEATURES = {feature.name: feature for feature in all_features()}
SINGLE = [feature for feature in FEATURES.values() if feature.views == (TARGET,)]
LN2 = math.log(2)


def compute(name: str, *signals: TokenSignals) -> float:
    return FEATURES[name].compute(*signals)


def reason(value: float) -> str:
    assert isinstance(value, Missing)
    assert math.isnan(value)
    return value.reason


def test_losses(record: Maker) -> None:
    text = record([-1.0, -2.0, -3.0], n_bytes=4, zlib_bytes=11)
    assert compute("bits-per-byte", text) == pytest.approx(6 / (4 * LN2))
    assert compute("zlib-ratio", text) == pytest.approx(6 / (8 * 11 * LN2))
    assert compute("loss", text) == pytest.approx(2)
    assert compute("perplexity", text) == pytest.approx(math.exp(2))
    assert compute("zlib-mean-loss", text) == pytest.approx(2 / 11)


def test_a_loss_too_large_for_a_float_is_not_an_exception(record: Maker) -> None:
    with np.errstate(over="ignore"):
        assert compute("perplexity", record([-1000.0])) == math.inf


def test_no_bytes_is_missing(record: Maker) -> None:
    text = record([-1.0], n_bytes=0, zlib_bytes=0)
    for name in ("bits-per-byte", "zlib-ratio", "zlib-mean-loss"):
        assert reason(compute(name, text)) == "no bytes scored"


def test_exactly_zero_losses_are_kept(record: Maker) -> None:
    text = record([0.0, 0.0, -4.0, 0.0])
    assert compute("loss", text) == pytest.approx(1)
    assert compute("max-k-50", text) == 0
    assert compute("min-k-50", text) == pytest.approx(-2)


@pytest.mark.parametrize(
    ("tokens", "share", "size"),
    [(1, 0.05, 1), (5, 0.2, 1), (6, 0.2, 2), (30, 0.1, 3), (100, 0.07, 7), (3, 0.6, 2), (10, 0.3, 3), (10, 1.0, 10)],
)
def test_the_tail_is_the_ceiling_and_at_least_one(tokens: int, share: float, size: int) -> None:
    assert tail_size(tokens, share) == size


def test_min_k_and_max_k_take_the_tails_their_names_say(record: Maker) -> None:
    text = record([-5.0, -0.5, -9.0, -1.0, -2.0, -0.1, -7.0, -3.0, -4.0, -6.0])
    assert compute("min-k-20", text) == pytest.approx((-9 - 7) / 2)
    assert compute("max-k-20", text) == pytest.approx((-0.1 - 0.5) / 2)
    assert compute("min-k-5", text) == pytest.approx(-9)
    assert compute("max-k-5", text) == pytest.approx(-0.1)
    assert compute("min-k-60", text) == pytest.approx((-9 - 7 - 6 - 5 - 4 - 3) / 6)
    assert compute("max-k-60", text) == pytest.approx((-0.1 - 0.5 - 1 - 2 - 3 - 4) / 6)


def test_the_tails_of_one_token_are_that_token(record: Maker) -> None:
    for percent in (5, 10, 20, 30, 40, 50, 60):
        assert compute(f"min-k-{percent}", record([-3.0])) == compute(f"max-k-{percent}", record([-3.0])) == -3


def test_surp_takes_surprising_tokens_where_the_model_was_sure(record: Maker) -> None:
    # 40 % of five tokens are the two least likely; of these only the first stands where the entropy is under 2 nats.
    values = [-6.0, -8.0, -1.0, -2.0, -3.0]
    assert compute("surp", record(values, mean=[-1.5, -2.5, -0.1, -0.1, -0.1])) == pytest.approx(-6)
    assert compute("surp", record(values, mean=-0.5)) == pytest.approx(-7)
    assert reason(compute("surp", record(values, mean=[-3, -3, -1, -1, -1]))) == "no surprising tokens"
    assert reason(compute("surp", record(values, mean=-2.0))) == "no surprising tokens"


def test_min_k_plus_plus(record: Maker) -> None:
    # z = (-1, 1, -3, 0, 2): the lowest of five.
    text = record([-3.0, -1.0, -5.0, -2.0, -1.0], mean=-2.0, std=[1.0, 1.0, 1.0, 1.0, 0.5])
    assert compute("min-k-plus-plus", text) == pytest.approx(-3)


def test_min_k_plus_plus_keeps_certain_tokens_at_their_limit_zero(record: Maker) -> None:
    # Six tokens, the lowest two of z = (2, 0, 1, 3, 2, 1); left out, the lowest of five would be 1.
    text = record([0.0, 0.0, -1.0, 1.0, 0.0, -1.0], mean=[-2, 0, -2, -2, -2, -2], std=[1, 0, 1, 1, 1, 1])
    assert compute("min-k-plus-plus", text) == pytest.approx(0.5)


def test_min_k_plus_plus_does_not_magnify_rounding(record: Maker) -> None:
    text = record([-1.0, -2e-7, -1.0, -1.0, -1.0], mean=[-1, -1e-7, -1, -1, -1], std=[1, 1e-12, 1, 1, 1])
    assert abs(compute("min-k-plus-plus", text)) < 1e-3


def test_min_k_plus_plus_without_any_spread_is_missing(record: Maker) -> None:
    assert "no spread" in reason(compute("min-k-plus-plus", record([0.0, 0.0], mean=0.0, std=0.0)))


def test_min_k_plus_plus_goes_to_zero_as_the_model_grows_certain(record_from_logits: Maker) -> None:
    certain = [compute("min-k-plus-plus", record_from_logits(np.array([[a, 0.0]]), np.array([0]))) for a in (4, 8, 12)]
    assert certain[0] > certain[1] > certain[2] > 0
    assert certain[2] == pytest.approx(math.exp(-6), rel=0.01)


def test_excess_surprisal(record: Maker) -> None:
    assert compute("excess-surprisal", record([-1.0, -4.0], mean=[-2.0, -3.0])) == pytest.approx(0)
    assert compute("excess-surprisal", record([-1.0, -1.0], mean=[-2.0, -3.0])) == pytest.approx(1.5)


def test_ranks(record: Maker) -> None:
    text = record([-1.0] * 4, rank=[0, 0, 9, 10])
    assert compute("top-1-rate", text) == 0.5
    assert compute("top-10-rate", text) == 0.75
    assert compute("log-rank", text) == pytest.approx((math.log(10) + math.log(11)) / 4)


def test_extraction_counts_from_32_tokens_of_context(record: Maker) -> None:
    text = record([-9.0] * 31 + [-1.0, -3.0])  # BOS and 31 tokens stand before the first that counts
    assert compute("extraction-logprob", text) == pytest.approx(-2)
    assert "32 tokens of context" in reason(compute("extraction-logprob", record([-9.0] * 31)))


def test_extraction_counts_anew_in_each_window(record: Maker) -> None:
    text = record([-1.0, -9.0, -3.0], positions=[40, 1, 32])
    assert compute("extraction-logprob", text) == pytest.approx(-2)


def test_longest_run(record: Maker) -> None:
    assert compute("longest-run", record([-1.0] * 7, rank=[0, 0, 1, 0, 0, 0, 2])) == 3
    assert compute("longest-run", record([-1.0] * 3, rank=0)) == 3
    assert compute("longest-run", record([-1.0] * 3, rank=1)) == 0
    assert compute("longest-run", record([-1.0], rank=0)) == 1


def test_a_run_ends_with_its_window(record: Maker) -> None:
    assert compute("longest-run", record([-1.0] * 5, rank=0, positions=[1, 2, 1, 2, 3])) == 3


def test_loss_slope_is_per_doubling_of_context(record: Maker) -> None:
    # 1 + context = 2, 4, 8; loss 5, 4, 3: one nat less for each doubling.
    assert compute("loss-slope", record([-5.0, -4.0, -3.0], positions=[1, 3, 7])) == pytest.approx(-1)
    assert compute("loss-slope", record([-2.0, -2.0, -2.0])) == pytest.approx(0)
    twice = record([-5.0, -4.0, -3.0] * 2, positions=[1, 3, 7] * 2)
    assert compute("loss-slope", twice) == pytest.approx(-1)


def test_early_late_gap(record: Maker) -> None:
    assert compute("early-late-gap", record([-5.0, -4.0, -2.0, -1.0])) == pytest.approx(3)
    assert compute("early-late-gap", record([-5.0, -4.0, -1.0])) == pytest.approx(3.5)  # the middle token is early
    windows = record([-5.0, -1.0, -4.0, -2.0], positions=[1, 2, 1, 2])
    assert compute("early-late-gap", windows) == pytest.approx(3)


@pytest.mark.parametrize("name", ["loss-slope", "early-late-gap"])
def test_a_trajectory_needs_two_places(name: str, record: Maker) -> None:
    assert reason(compute(name, record([-1.0]))) == "fewer than 2 scored tokens"
    assert "same amount of context" in reason(compute(name, record([-1.0, -2.0], positions=[1, 1])))


@pytest.mark.parametrize("feature", SINGLE, ids=lambda feature: feature.name)
def test_an_empty_record_is_missing(feature: Feature, record: Maker) -> None:
    assert "scored tokens" in reason(feature.compute(record([])))


@pytest.mark.parametrize("feature", SINGLE, ids=lambda feature: feature.name)
def test_one_token_gives_a_finite_value_or_a_reason(feature: Feature, record: Maker) -> None:
    value = feature.compute(record([-1.5]))
    assert reason(value) if math.isnan(value) else math.isfinite(value)


ORDERED = {"gap-k", "longest-run", "loss-slope", "early-late-gap", "extraction-logprob"}


@pytest.mark.parametrize("feature", [f for f in SINGLE if f.name not in ORDERED], ids=lambda feature: feature.name)
def test_the_order_of_tokens_does_not_matter(feature: Feature, record: Maker) -> None:
    rng = np.random.default_rng(1)
    values, mean, std = -rng.exponential(2, 50), -rng.uniform(0.5, 4, 50), rng.uniform(0.5, 2, 50)
    rank, order = rng.integers(0, 20, 50), rng.permutation(50)
    plain = record(values, mean=mean, std=std, rank=rank)
    shuffled = record(values[order], mean=mean[order], std=std[order], rank=rank[order])
    assert feature.compute(shuffled) == pytest.approx(feature.compute(plain), rel=1e-12)


@pytest.mark.parametrize("name", ["top-1-rate", "top-10-rate", "log-rank", "longest-run"])
def test_rank_features_survive_any_rising_rescaling_of_the_logits(name: str, record_from_logits: Maker) -> None:
    rng = np.random.default_rng(2)
    logits, ids = rng.normal(size=(60, 30)), rng.integers(0, 30, 60)
    logits[np.arange(60), ids] += 2
    plain = compute(name, record_from_logits(logits, ids))
    for rescaled in (0.3 * logits, 4 * logits + 7, logits**3):
        assert compute(name, record_from_logits(rescaled, ids)) == plain
    assert compute("loss", record_from_logits(0.3 * logits, ids)) != compute("loss", record_from_logits(logits, ids))


def test_min_k_plus_plus_depends_on_the_standardised_value_alone(record: Maker) -> None:
    rng = np.random.default_rng(3)
    z, std, mean = rng.normal(size=40), rng.uniform(0.5, 2, 40), -rng.uniform(3, 6, 40)
    plain = compute("min-k-plus-plus", record(mean + z * std, mean=mean, std=std))
    moved = compute("min-k-plus-plus", record(mean - 1 + z * 3 * std, mean=mean - 1, std=3 * std))
    assert moved == pytest.approx(plain, rel=1e-5)
    assert plain == pytest.approx(np.sort(z)[:8].mean(), rel=1e-5)


def test_gap_k_by_hand(record: Maker) -> None:
    """Gaps of 0 to -6 standard deviations make two runs of six, of means -2.5 and -3.5; the lowest fifth is one."""
    gaps = np.arange(7.0)
    text = record((-0.5 - 2 * gaps).tolist(), std=2.0, top=-0.5)
    assert compute("gap-k", text) == pytest.approx(-3.5)
    short = record([-3.0, -1.0], std=0.5, top=[-1.0, -1.0])
    assert compute("gap-k", short) == pytest.approx(-2.0)
    many = record([-4.0] * 6 + [-1.0] * 6 + [-2.0] * 6, std=1.0, top=-1.0)
    # Thirteen runs of -3, -2.5, ..., 0, ..., -1; the lowest three are -3, -2.5, -2.
    assert compute("gap-k", many) == pytest.approx(-2.5)


def test_gap_k_is_zero_where_every_token_is_the_top_choice(record_from_logits: Maker, record: Maker) -> None:
    logits = np.random.default_rng(5).normal(size=(30, 50)) * 3
    assert compute("gap-k", record_from_logits(logits, logits.argmax(1))) == pytest.approx(0, abs=1e-5)
    assert compute("gap-k", record_from_logits(logits, logits.argmin(1))) < -2
    moved = compute("gap-k", record_from_logits(logits + 7, logits.argmin(1)))
    assert moved == pytest.approx(compute("gap-k", record_from_logits(logits, logits.argmin(1))), rel=1e-5)
    assert "no spread" in reason(compute("gap-k", record([0.0, 0.0], std=0.0)))


def test_temperature_moves_min_k_plus_plus(record_from_logits: Maker) -> None:
    rng = np.random.default_rng(4)
    logits, ids = rng.normal(size=(60, 30)), rng.integers(0, 30, 60)
    hot, cold = (compute("min-k-plus-plus", record_from_logits(scale * logits, ids)) for scale in (0.5, 2.0))
    assert hot != pytest.approx(cold, rel=0.01)


@given(st.lists(st.floats(-50, 0, width=32), min_size=1, max_size=40))
def test_tails_bracket_the_mean_and_move_with_their_share(values: list[float]) -> None:
    record = TokenSignals(  # type: ignore[call-arg]
        *(np.arange(len(values), dtype=np.int32) for _ in range(4)),
        *(np.asarray(values, dtype=np.float32) for _ in range(4)),
        np.zeros(len(values), dtype=np.int32),
        1,
        1,
        False,
    )
    low = [compute(f"min-k-{percent}", record) for percent in (5, 10, 20, 30, 40, 50, 60)]
    high = [compute(f"max-k-{percent}", record) for percent in (5, 10, 20, 30, 40, 50, 60)]
    chain = np.array([*low, -compute("loss", record), *high[::-1]])
    assert (np.diff(chain) >= -1e-9).all()
