"""Features of a second pass: hand-worked values, truncation, and texts the transform leaves as they are."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from auditor.features.catalogue import all_features
from auditor.features.feature import Missing
from auditor.signals.tokens import TokenSignals

Maker = Callable[..., TokenSignals]
FEATURES = {feature.name: feature for feature in all_features() if feature.family == "perturbation"}
LN2 = math.log(2)


def compute(name: str, plain: TokenSignals, changed: TokenSignals) -> float:
    return FEATURES[name].compute(plain, changed)


def reason(value: float) -> str:
    assert isinstance(value, Missing)
    return value.reason


def test_lowercase_gap(record: Maker) -> None:
    plain = record([-1.0, -1.0], starts=[0, 2], ends=[2, 4], n_bytes=4)
    lowered = record([-3.0, -2.0, -1.0], ids=[1, 2, 3], starts=[0, 1, 2], ends=[1, 2, 4], n_bytes=4)
    assert compute("lowercase-gap", plain, lowered) == pytest.approx(4 / (4 * LN2))


def test_lowercase_gap_ignores_what_only_one_of_the_two_reached(record: Maker) -> None:
    plain = record([-1.0, -1.0, -50.0], starts=[0, 2, 4], ends=[2, 4, 6], n_bytes=6, truncated=True)
    lowered = record([-2.0, -1.0, -2.0], ids=[1, 2, 3], starts=[0, 1, 2], ends=[1, 2, 4], n_bytes=4, truncated=True)
    assert compute("lowercase-gap", plain, lowered) == pytest.approx((5 - 2) / (4 * LN2))


def test_word_drop_gap_is_per_byte_of_each_text(record: Maker) -> None:
    plain = record([-1.0] * 10, starts=range(0, 20, 2), ends=range(2, 22, 2), n_bytes=20)
    dropped = record([-1.5] * 8, starts=range(0, 16, 2), ends=range(2, 18, 2), n_bytes=16)
    assert compute("word-drop-gap", plain, dropped) == pytest.approx((12 / 16 - 10 / 20) / LN2)


def test_word_drop_gap_of_a_cut_text_stops_at_the_same_place(record: Maker) -> None:
    """100 characters were scored; the dropped text reaches 100 of its own, of which 85 stand for the original's 100."""
    plain = record([-1.0] * 100, truncated=True)
    dropped = record([-2.0] * 85 + [-50.0] * 15, ids=range(500, 600), truncated=True)
    assert compute("word-drop-gap", plain, dropped) == pytest.approx(1 / LN2)


def test_word_drop_gap_when_the_dropped_text_was_cut_first(record: Maker) -> None:
    plain = record([-1.0] * 60 + [-50.0] * 40)
    dropped = record([-2.0] * 51, ids=range(500, 551), truncated=True)
    assert compute("word-drop-gap", plain, dropped) == pytest.approx(1 / LN2)


def test_an_unchanged_text_is_missing(record: Maker) -> None:
    text = record([-1.0, -2.0])
    assert reason(compute("lowercase-gap", text, text)) == "lower case changes nothing"
    assert reason(compute("word-drop-gap", text, text)) == "no word was left out of what was scored"


def test_repetition_gain_over_the_same_tokens(record: Maker) -> None:
    plain = record([-3.0, -2.0, -4.0])
    repeated = record([-1.0, -1.0, -1.0], positions=[4, 5, 6])
    assert compute("repetition-gain", plain, repeated) == pytest.approx(2)


def test_repetition_gain_of_a_text_cut_by_the_window(record: Maker) -> None:
    """Five tokens after BOS; the window holds a prefix of two and then three of the text, the third without a copy."""
    plain = record([-3.0, -3.0, -9.0, -9.0, -9.0])
    repeated = record([-1.0, -2.0, -9.0], positions=[3, 4, 5], truncated=True)
    assert compute("repetition-gain", plain, repeated) == pytest.approx((2 + 1) / 2)


def test_repetition_gain_without_a_first_copy_is_missing(record: Maker) -> None:
    text = record([-3.0, -2.0])
    assert reason(compute("repetition-gain", text, text)) == "the text was not read before its repetition"


def test_repetition_gain_needs_the_same_tokens(record: Maker) -> None:
    other = record([-3.0, -2.0], ids=[8, 9], positions=[3, 4])
    assert "different tokens" in reason(compute("repetition-gain", record([-3.0, -2.0]), other))


@pytest.mark.parametrize("name", sorted(FEATURES))
def test_an_empty_record_is_missing(name: str, record: Maker) -> None:
    for pair in ((record([]), record([-1.0])), (record([-1.0]), record([]))):
        assert reason(compute(name, *pair)) == "no scored tokens"
