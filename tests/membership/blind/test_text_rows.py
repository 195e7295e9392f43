"""Text alone: properties by hand, n-gram columns blind to labels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from auditor.corpora.document import Corpus, Document
from auditor.membership.blind.rows import NGRAMS, latent_columns, text_rows
from auditor.membership.blind.style import PROPERTIES
from auditor.results.rows import Rows

MEASURE = {p.name: p.measure for p in PROPERTIES}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("characters", "abc d", 5),
        ("words", "Don't panic, 42 times!", 3),
        ("words-per-sentence", "One two. Three four five six!", 3),
        ("mean-word-length", "ab abcd", 3),
        ("type-token-ratio", "The cat the dog", 0.75),
        ("lines", "a\nb\n\nc", 4),
        ("blank-lines", "a\n\nb\n \nc", 2),
        ("longest-line", "abc\nabcde\na", 5),
        ("outer-space", "  a b \n", 4),
        ("carriage-returns", "a\r\nb\r\n", 2),
        ("tabs", "a\tb", 1),
        ("double-spaces", "a  b c", 1000 / 6),
        ("markup", "<p>x</p>&amp;", 3000 / 13),
        ("upper-case", "ABcd", 0.5),
        ("digits", "a1b2", 0.5),
        ("punctuation", "a.b!", 0.5),
        ("beyond-ascii", "aé", 0.5),
        ("curly-quotes", "“a”b", 0.5),
        ("ends-cleanly", "Done.  ", 1),
        ("ends-cleanly", "Cut of", 0),
        ("starts-upper", " Yes", 1),
        ("latest-year", "From 1987 to 2004; 3000 no, 12345 no", 2004),
        ("median-year", "1990 1980 2000", 1990),
        ("latest-year", "no year", math.nan),
        ("mean-word-length", "1 2 3", math.nan),
    ],
)
def test_properties_by_hand(name: str, text: str, value: float) -> None:
    assert MEASURE[name](text) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("text", ["", " ", "\n", "x", "\U0001f600"])
def test_no_property_fails_on_next_to_nothing(text: str) -> None:
    assert all(isinstance(measure(text), float) for measure in MEASURE.values())


def build(texts: list[str], groups: list[str]) -> tuple[Corpus, Corpus, Rows]:
    documents = [Document(f"d{i}", text, group) for i, (text, group) in enumerate(zip(texts, groups, strict=True))]
    half = len(documents) // 2
    sides = [Corpus(name, tuple(part), 0, 0, "") for name, part in (("s", documents[:half]), ("h", documents[half:]))]
    names = [(True, group) for group in sides[0].groups] + [(False, group) for group in sides[1].groups]
    rows = Rows(np.zeros((len(names), 0)), np.array([side for side, _ in names]), tuple(name for _, name in names), ())
    return sides[0], sides[1], rows


def texts(count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [
        " ".join(rng.choice(["tree", "house", "river", "stone", "cloud", "bird"], size=20)) + "." for _ in range(count)
    ]


def test_rows_follow_the_membership_rows_and_average_within_groups() -> None:
    suspect, heldout, rows = build(texts(24), [f"g{i // 2}" for i in range(24)])
    found = text_rows(suspect, heldout, rows)
    assert found.groups == rows.groups
    assert found.values.shape[0] == 12
    characters = [column.name for column in found.columns].index("characters")
    lengths = [len(document.text) for document in suspect.documents]
    assert found.values[0, characters] == (lengths[0] + lengths[1]) / 2
    assert {column.direction for column in found.columns} == {0}


def test_rows_do_not_depend_on_the_labels() -> None:
    words = texts(20)
    suspect, heldout, rows = build(words, [f"g{i}" for i in range(20)])
    found = text_rows(suspect, heldout, rows)
    swapped = Rows(rows.values, ~rows.suspect, rows.groups, rows.columns)
    other = text_rows(heldout, suspect, swapped)
    plain = [i for i, column in enumerate(found.columns) if column.family in ("length", "format", "dates")]
    np.testing.assert_array_equal(found.values[:, plain], other.values[:, plain])


def test_latent_columns_find_two_topics() -> None:
    rng = np.random.default_rng(1)
    topics = [["tree", "leaf", "root", "branch"], ["bank", "loan", "credit", "money"]]
    documents = [" ".join(rng.choice(topics[i % 2], size=30)) for i in range(40)]
    for ngrams in NGRAMS:
        values, strengths = latent_columns(documents, np.arange(40), ngrams, components=4)
        assert values.shape == (40, 4)
        assert (np.diff(strengths) <= 1e-9).all()
        apart = max(abs(values[::2, k].mean() - values[1::2, k].mean()) / values[:, k].std() for k in range(4))
        assert apart > 1.5


def test_texts_without_any_shared_n_gram_give_no_columns() -> None:
    values, strengths = latent_columns(["aa", "bb"], np.arange(2), NGRAMS[0], components=4)
    assert values.shape == (2, 0)
    assert strengths.size == 0


@pytest.mark.parametrize("place", ["start", "middle", "end"])
def test_long_texts_are_read_at_start_middle_and_end(place: str) -> None:
    rng = np.random.default_rng(2)
    common = [
        " ".join(rng.choice(["tree", "house", "river", "stone", "cloud", "bird"], size=16_000)) for _ in range(20)
    ]
    at = {"start": 0, "middle": 45_000, "end": 90_000}[place]
    marked = [text[:at] + " zebra quagga " * 80 + text[at:] if i < 10 else text for i, text in enumerate(common)]
    values, _ = latent_columns(marked, np.arange(20), NGRAMS[0], components=4)
    assert max(abs(values[:10, k].mean() - values[10:, k].mean()) / values[:, k].std() for k in range(4)) > 1.5


def test_words_of_one_row_alone_do_not_count() -> None:
    """A name that occurs in one group only says nothing about the others."""
    plain = texts(20)
    named = [f"{text} unique{i}" for i, text in enumerate(plain)]
    draw = [latent_columns(some, np.arange(20), NGRAMS[0], components=4)[0] for some in (plain, named)]
    np.testing.assert_allclose(np.abs(draw[0]), np.abs(draw[1]), atol=1e-6)
