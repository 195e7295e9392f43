from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.splicing.edit import Edit, TextEdit, apply_edits, apply_text_edits, inverse_edits


@st.composite
def edited(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    """Bytes with disjoint edits in any order, those that touch each other and insertions among them."""
    raw = draw(st.binary(max_size=40))
    bounds = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=10)))
    edits, inserted = [], -1
    for start, stop in zip(bounds[::2], bounds[1::2], strict=False):
        if start == stop == inserted:
            continue
        edits.append(Edit(start, stop, draw(st.binary(max_size=4))))
        inserted = stop if start == stop else -1
    return raw, draw(st.permutations(edits))


@settings(max_examples=100, deadline=None)
@given(edited())
def test_the_inverse_gives_the_bytes_again(case: tuple[bytes, list[Edit]]) -> None:
    raw, edits = case
    assert apply_edits(apply_edits(raw, edits), inverse_edits(raw, edits)) == raw


def test_edits_apply_in_the_positions_of_what_was_there() -> None:
    assert apply_edits(b"abcdef", [Edit(4, 5, b""), Edit(0, 0, b"x"), Edit(1, 3, b"YYY")]) == b"xaYYYdf"
    assert apply_text_edits("aéz", [TextEdit(1, 2, "e"), TextEdit(3, 3, "!")]) == "aez!"


def test_removals_side_by_side_come_back() -> None:
    edits = [Edit(0, 2, b""), Edit(2, 4, b"")]
    assert apply_edits(apply_edits(b"abcd", edits), inverse_edits(b"abcd", edits)) == b"abcd"


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(0, 2, b""), Edit(1, 3, b"")],
        [Edit(1, 1, b"a"), Edit(1, 1, b"b")],
        [Edit(0, 5, b"")],
        [Edit(-1, 1, b"")],
        [Edit(2, 1, b"")],
    ],
    ids=["overlap", "two at one point", "past the end", "before the beginning", "backwards"],
)
def test_edits_that_cannot_be_meant_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match=r"edit"):
        apply_edits(b"abcd", edits)
    with pytest.raises(ValueError, match=r"edit"):
        inverse_edits(b"abcd", edits)
