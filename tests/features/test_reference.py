"""Features against a reference model: hand-worked values, edge cases, and records that cover different text."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from auditor.features.catalogue import all_features
from auditor.features.feature import Missing
from auditor.features.reference import WIDTHS
from auditor.signals.tokens import TokenSignals

Maker = Callable[..., TokenSignals]
FEATURES = {feature.name: feature for feature in all_features() if feature.family == "reference"}
BY_TOKEN = sorted(set(FEATURES) - {"reference-gap"})
LN2 = math.log(2)


def compute(name: str, target: TokenSignals, reference: TokenSignals) -> float:
    return FEATURES[name].compute(target, reference)


def test_reference_gap_is_in_bits_per_byte(record: Maker) -> None:
    target, reference = record([-1.0, -2.0], n_bytes=4), record([-2.0, -4.0], n_bytes=4)
    assert compute("reference-gap", target, reference) == pytest.approx(3 / (4 * LN2))


def test_reference_gap_across_tokenizers(record: Maker) -> None:
    target = record([-1.0, -2.0], starts=[0, 2], ends=[2, 4], n_bytes=4)
    reference = record([-6.0], ids=[7], starts=[0], ends=[4], n_bytes=4)
    assert compute("reference-gap", target, reference) == pytest.approx(3 / (4 * LN2))


def test_reference_gap_compares_only_what_both_scored(record: Maker) -> None:
    # The reference misses the first token (no BOS) and the target was cut before the last one.
    target = record([-9.0, -1.0, -1.0], starts=[0, 2, 4], ends=[2, 4, 6], n_bytes=6, truncated=True)
    reference = record([-2.0, -2.0, -9.0], ids=[101, 102, 103], starts=[2, 4, 6], ends=[4, 6, 8], n_bytes=6)
    assert compute("reference-gap", target, reference) == pytest.approx((4 - 2) / (4 * LN2))


def test_a_token_across_the_edge_counts_by_its_characters(record: Maker) -> None:
    target = record([-1.0, -1.0], starts=[0, 2], ends=[2, 4], n_bytes=4)
    reference = record([-2.0, -4.0], ids=[1, 2], starts=[0, 2], ends=[2, 6], n_bytes=6)
    assert compute("reference-gap", target, reference) == pytest.approx((4 - 2) / (4 * LN2))


def test_a_token_without_characters_counts_where_it_stands(record: Maker) -> None:
    """Pieces of one character in the middle of the text, some of which a tokenizer gives no characters."""
    target = record([-1.0, -1.0, -1.0], starts=[0, 2, 2], ends=[2, 2, 4], n_bytes=4)
    reference = record([-2.0, -2.0, -2.0, -9.0], starts=[0, 2, 2, 4], ends=[2, 2, 4, 4], n_bytes=4)
    assert compute("reference-gap", target, reference) == pytest.approx((6 - 3) / (4 * LN2))


def test_records_without_common_characters_are_missing(record: Maker) -> None:
    value = compute("reference-gap", record([-1.0]), record([-1.0], starts=[5], ends=[6]))
    assert isinstance(value, Missing)
    assert value.reason == "no characters scored in both views"


def test_wbc_by_hand(record: Maker) -> None:
    # d = 1, -2, 4. Width 2: sums -1, 2, so 1/2. Width 3: sum 3, so 1. Other widths do not fit.
    value = compute("wbc", record([-1.0, -4.0, -1.0]), record([-2.0, -2.0, -5.0]))
    assert value == pytest.approx((0.5 + 1) / 2)


def test_wbc_uses_every_width_on_a_long_text(record: Maker) -> None:
    rng = np.random.default_rng(0)
    target, reference = (np.float32(-rng.exponential(2, 90)) for _ in range(2))
    d = target.astype(float) - reference.astype(float)
    votes = [np.mean([d[i : i + w].sum() > 0 for i in range(90 - w + 1)]) for w in WIDTHS]
    assert compute("wbc", record(target), record(reference)) == pytest.approx(np.mean(votes))


def test_wbc_of_a_model_against_itself_is_one_half(record: Maker) -> None:
    assert compute("wbc", record([-1.0, -2.0, -3.0]), record([-1.0, -2.0, -3.0])) == 0.5


def test_wbc_of_one_token_is_missing(record: Maker) -> None:
    assert isinstance(compute("wbc", record([-1.0]), record([-2.0])), Missing)


def test_ez_mia_by_hand(record: Maker) -> None:
    # Errors at tokens 0, 1 and 3: d = 1, -2, 4; token 2 is the target's first choice. (5 - 2) / (5 + 2).
    target = record([-1.0, -4.0, -0.1, -1.0], rank=[1, 5, 0, 2])
    reference = record([-2.0, -2.0, -9.0, -5.0])
    assert compute("ez-mia", target, reference) == pytest.approx(3 / 7)


def test_ez_mia_at_its_edges(record: Maker) -> None:
    never = compute("ez-mia", record([-0.1, -0.1], rank=0), record([-1.0, -1.0]))
    assert isinstance(never, Missing)
    assert never.reason == "every token is the target's first choice"
    assert compute("ez-mia", record([-1.0]), record([-2.0])) == pytest.approx(1)
    assert compute("ez-mia", record([-2.0]), record([-1.0])) == pytest.approx(-1)
    assert compute("ez-mia", record([-1.0]), record([-1.0])) == 0


def test_rare_token_gap_by_hand(record: Maker) -> None:
    # The reference's median is -2.5; rarer are -6 and -4, with d = 3 and 1.
    target, reference = record([-3.0, -3.0, -1.0, -1.0]), record([-6.0, -4.0, -1.0, -1.0])
    assert compute("rare-token-gap", target, reference) == pytest.approx(2)


def test_rare_token_gap_without_rare_tokens_is_missing(record: Maker) -> None:
    for values in ([-2.0], [-2.0, -2.0, -2.0]):
        value = compute("rare-token-gap", record(values), record(values))
        assert isinstance(value, Missing)
        assert value.reason == "no token is rarer than the median"


def test_reference_ratio(record: Maker) -> None:
    assert compute("reference-ratio", record([-1.0, -1.0]), record([-2.0, -1.0])) == pytest.approx(1.5)
    assert isinstance(compute("reference-ratio", record([0.0]), record([-1.0])), Missing)


@pytest.mark.parametrize("name", BY_TOKEN)
def test_token_features_need_one_tokenizer(name: str, record: Maker) -> None:
    target = record([-1.0, -2.0, -1.0])
    renumbered = record([-1.0, -2.0, -3.0], ids=[7, 8, 9])
    recut = record([-1.0, -2.0], ids=[100, 5], starts=[0, 1], ends=[1, 3])
    for reference in (renumbered, recut):
        value = compute(name, target, reference)
        assert isinstance(value, Missing)
        assert value.reason == "target and reference cut the text into different tokens"


@pytest.mark.parametrize("name", BY_TOKEN)
def test_token_features_pair_tokens_by_place(name: str, record: Maker) -> None:
    """The reference has no BOS, so the first token of each of its windows is unscored; the target was cut."""
    rng = np.random.default_rng(5)
    ours, theirs, ranks = -rng.exponential(2, 60), -rng.exponential(2, 60), rng.integers(0, 4, 60)
    scored = np.array([at for at in range(60) if at not in (0, 30)])
    common = np.array([at for at in range(50) if at not in (0, 30)])
    target = record(ours[:50], rank=ranks[:50])
    reference = record(theirs[scored], ids=100 + scored, starts=scored)
    pairs = record(ours[common], rank=ranks[common]), record(theirs[common])
    assert compute(name, target, reference) == pytest.approx(compute(name, *pairs))


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_an_empty_record_is_missing(name: str, record: Maker) -> None:
    for pair in ((record([]), record([-1.0])), (record([-1.0]), record([]))):
        assert isinstance(compute(name, *pair), Missing)
