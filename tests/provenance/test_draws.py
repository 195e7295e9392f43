"""Draws are those of the published construction, and uniform."""

from __future__ import annotations

import hashlib
import hmac
from itertools import islice

import numpy as np
import pytest
from scipy import stats

from auditor.provenance.draws import DOMAIN, Draws

KEY = bytes(range(32))
BEACON = bytes(32)


def test_the_published_test_vector() -> None:
    block = hmac.digest(KEY + BEACON, DOMAIN + b"\0coin\0doc-1\0" + bytes(8), hashlib.sha256)
    assert block.hex() == "c24ad16b53672715804fe2fbc666fe25bf5b46dc334d102ac8ccbb676b6d5172"
    draws = Draws(KEY, BEACON)
    assert draws.coin("doc-1") == 1
    assert draws.below("choice", "doc-1", 20) == 10


def test_a_stream_goes_on_into_further_blocks() -> None:
    words = Draws(KEY).stream("choice", "u", 2**64)
    first = [next(words) for _ in range(9)]
    blocks = [
        hmac.digest(KEY, DOMAIN + b"\0choice\0u\0" + number.to_bytes(8, "big"), hashlib.sha256) for number in range(3)
    ]
    raw = b"".join(blocks)
    assert first == [int.from_bytes(raw[8 * index : 8 * index + 8], "big") for index in range(9)]


def test_words_above_the_largest_multiple_are_passed_over() -> None:
    n = 2**63 + 1
    words = list(islice(Draws(KEY).stream("x", "u", 2**64), 64))
    allowed = [word for word in words if word < n]
    assert len(allowed) < len(words)
    drawn = Draws(KEY).stream("x", "u", n)
    assert [next(drawn) for _ in range(len(allowed))] == allowed


def test_draws_are_uniform_and_depend_on_label_unit_key_and_beacon() -> None:
    counts = np.bincount([Draws(KEY).below("choice", f"u{unit}", 20) for unit in range(4000)], minlength=20)
    assert stats.chisquare(counts).pvalue > 1e-4
    firsts = {
        Draws(KEY).below("choice", "a", 2**64),
        Draws(KEY).below("coin", "a", 2**64),
        Draws(KEY).below("choice", "b", 2**64),
        Draws(KEY, b"\1" * 32).below("choice", "a", 2**64),
        Draws(BEACON).below("choice", "a", 2**64),
    }
    assert len(firsts) == 5


def test_a_shuffle_is_uniform_over_orders() -> None:
    orders = [Draws(KEY).shuffled("order", f"u{unit}", 4) for unit in range(4800)]
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)
    counts = np.unique(np.array(orders), axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    ("label", "unit", "n"), [("a\0b", "u", 2), ("a", "u\0", 2), ("a", "u", 0), ("a", "u", 2**64 + 1)]
)
def test_what_is_no_draw_is_refused(label: str, unit: str, n: int) -> None:
    with pytest.raises(ValueError, match=r"NUL|no integer"):
        Draws(KEY).below(label, unit, n)
