from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.core import text as core_text
from auditor.report import text
from auditor.results.forgetting.estimate import Estimate
from auditor.results.separability import Interval

PROBABILITIES = st.floats(min_value=1e-9, max_value=1)


@given(st.text())
def test_visible_leaves_nothing_that_acts_or_hides(foreign: str) -> None:
    shown = core_text.visible(foreign)
    assert not [c for c in shown if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert not [
        c
        for c in shown
        if unicodedata.bidirectional(c) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    ]
    assert core_text.visible(shown) == shown


@pytest.mark.parametrize(
    "plain", ["plain ASCII ~!@#$%^&*()_+|", "שלום עולם", "漢字とかな", "e\u0301", "👩\u200d🔬", "می\u200cخواهم"]
)
def test_visible_leaves_scripts_alone(plain: str) -> None:
    assert core_text.visible(plain) == plain


def test_visible_names_what_it_replaces() -> None:
    assert (
        core_text.visible("a\x1b[0m\u202eb\x7f\n\u200b\U000e0041\ufffe")
        == "a[U+001B][0m[U+202E]b[U+007F][U+000A][U+200B][U+E0041][U+FFFE]"
    )
    assert core_text.visible("a\n\tb\r", keep="\n\t") == "a\n\tb[U+000D]"


@given(PROBABILITIES, st.sampled_from([0.01, 0.02, 0.05, 0.1]))
def test_a_p_value_never_crosses_its_level_by_rounding(p: float, level: float) -> None:
    assert (float(text.format_p(p, level)) <= level) == (p <= level)


@given(st.floats(-10, 10), st.floats(0.1, 5))
def test_a_z_score_never_crosses_its_limit_by_rounding(z: float, limit: float) -> None:
    assert (float(text.format_z(z, limit)) > limit) == (z > limit)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_number_never_crosses_its_limit_by_rounding(value: float, limit: float) -> None:
    written = float(text.format_number(value, limit).replace(",", ""))
    assert (written < limit) == (value < limit)
    assert (written > limit) == (value > limit)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.05, "0.0500"), (0.0002, "0.0002"), (0.00017, "0.00017"), (1.0, "1.0000"), (3.2e-7, "3.2e-07")],
)
def test_p_values(value: float, written: str) -> None:
    assert text.format_p(value) == written


def test_a_p_value_just_below_its_level_shows_it() -> None:
    assert text.format_p(0.04999, 0.05) == "0.04999"
    assert text.format_p(0.05, 0.05) == "0.0500"
    assert text.format_p(0.050001, 0.05) == "0.050001"


@pytest.mark.parametrize(
    ("value", "written"), [(60.0, "60"), (4127.0, "4,127"), (12345.67, "12,345.7"), (0.12345, "0.123"), (-2.5, "-2.5")]
)
def test_numbers(value: float, written: str) -> None:
    assert text.format_number(value) == written


def test_a_difference_does_not_hide_its_sign() -> None:
    assert text.format_difference(-0.0001) == "-0.0001"
    assert text.format_difference(0.2204) == "0.220"


@given(st.floats(-1e6, 1e6), st.lists(st.floats(-2, 2), max_size=2))
def test_a_fixed_number_never_crosses_a_limit_by_rounding(value: float, limits: list[float]) -> None:
    written = float(text.format_fixed(value, *limits).replace(",", ""))
    assert [(written > limit) - (written < limit) for limit in limits] == [
        (value > limit) - (value < limit) for limit in limits
    ]


def test_fixed_numbers_and_estimates() -> None:
    assert [text.format_fixed(value) for value in (0.5, -0.0001, 12345.67891)] == ["0.500", "0.000", "12,345.679"]
    assert text.format_fixed(-0.0001, 0) == "-0.0001"
    assert text.format_estimate(Estimate(value=0.1234, low=0.0002, high=0.25), 0) == "0.123 (0.0002 to 0.250)"


def test_typeset() -> None:
    assert text.typeset("-3.2e-07") == "−3.2 × 10⁻⁷"
    assert text.typeset("1.5e+15") == "1.5 × 10¹⁵"


def test_certainty_is_not_rounded_into_being() -> None:
    assert [text.in_hundred(value) for value in (1.0, 0.999, 0.741, 0.0001, 0.0)] == [
        "100",
        "more than 99",
        "74",
        "fewer than 1",
        "0",
    ]


def test_interval_and_amounts() -> None:
    assert text.format_interval(Interval(low=0.4, high=0.61249)) == "0.400 to 0.612"
    assert text.format_percent(0.95) == "95%"
    assert [core_text.amount(n, "group") for n in (1, 1200)] == ["1 group", "1,200 groups"]


@given(st.text(min_size=1), st.integers(1, 40))
def test_shorten_keeps_to_its_limit_and_both_ends(foreign: str, limit: int) -> None:
    short = core_text.shorten(foreign, limit)
    assert len(short) <= limit
    if limit >= 3:
        assert short[0] == foreign[0]
        assert short[-1] == foreign[-1]


def test_moments_are_written_for_people_and_odd_ones_left_alone() -> None:
    assert text.moment("2026-03-14T09:26:53+00:00") == "2026-03-14 09:26 UTC"
    assert text.moment("2026-03-14T09:26:53.123Z") == "2026-03-14 09:26 UTC"
    assert text.moment("yesterday <b>") == "yesterday <b>"


@pytest.mark.parametrize(
    ("lines", "row"),
    [
        ("", ""),
        ("one", "one"),
        ("one\n  two.", "one. two."),
        ("one.\n\n two:\nthree", "one. two: three"),
    ],
)
def test_lines_in_a_row(lines: str, row: str) -> None:
    assert core_text.in_a_row(lines) == row
