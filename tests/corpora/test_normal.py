"""One form of text: what it takes out, what it leaves, and what is counted."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.corpora.document import Corpus, Document
from auditor.corpora.normal import encoding_counts, encoding_traits, normalised
from auditor.corpora.read import read_corpus
from auditor.membership.encoding import encoding_differences
from auditor.results.encoding import EncodingCounts

CHANGED = [
    ("a\r\nb\rc\x85d\u2028e\u2029f", "a\nb\nc\nd\ne\nf", "line_ends"),
    ("\ufeffa\ufeffb", "ab", "byte_order_marks"),
    ("a\u00a0b\u202fc\u2007d\u2009e", "a b c d e", "spaces"),
    ("a\u200bb\u2060c\u200dd\u200ce", "abcde", "zero_width"),
    ("\u200da \u2194\u200db\u200c \u200d\u2194", "a \u2194b \u2194", "zero_width"),
    ("co\u00adoperate", "cooperate", "soft_hyphens"),
    ("cafe\u0301", "caf\u00e9", "not_composed"),
]
LEFT = [
    "plain text\nover two lines\twith a tab",
    "caf\u00e9, \u201ccurly\u201d and 'straight' \u2014 dashes",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, spelled with a non-joiner
    "\u0915\u094d\u200d\u0937",  # Devanagari, spelled with a joiner
    "\U0001f469\u200d\U0001f52c \u2764\ufe0f\u200d\U0001f525",  # emoji of several parts
    "\U0001f642\u200d\u2194\ufe0f \U0001f642\u200d\u2195\ufe0f \u2640\ufe0f\u200d\u27a1\ufe0f",  # shakes its head
    "\u0d05\u0d35\u0d28\u0d4d\u200d \u0d85\u0dca\u200d. \u0915\u094d\u200c, \u0646\u0647\u200c",  # ends of words
    "\u3000\u6f22\u5b57",
    "\u200fright to left",
]


@pytest.mark.parametrize(("text", "form", "trait"), CHANGED)
def test_what_is_taken_out(text: str, form: str, trait: str) -> None:
    assert normalised(text) == form
    assert encoding_traits(text) == {trait}
    assert not encoding_traits(form)


@pytest.mark.parametrize("text", LEFT)
def test_what_has_a_meaning_is_left(text: str) -> None:
    assert normalised(text) == text
    assert not encoding_traits(text)


ODD = "".join(text for text, _, _ in CHANGED) + "".join(LEFT) + "\u1100\u1161\u0958\u212b\U000e0020"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=("Cs",))), max_size=12))
def test_the_form_is_one_form(text: str) -> None:
    form = normalised(text)
    assert normalised(form) == form
    assert not encoding_traits(form)
    assert (form == text) == (not encoding_traits(text))
    assert unicodedata.is_normalized("NFC", form)


def side(*texts: str) -> Corpus:
    documents = tuple(Document(str(number), text, str(number // 2)) for number, text in enumerate(texts))
    return Corpus("x", documents, 0, 0, "")


def test_a_group_counts_where_most_of_its_documents_have_a_trait() -> None:
    counts = encoding_counts(side("a\r", "b\r", "c\r", "d"), side("a", "b"))
    assert counts.line_ends == (1, 0)
    assert counts.spaces == (0, 0)


def test_only_clear_differences_are_named() -> None:
    none = dict.fromkeys(EncodingCounts.model_fields, (0, 0))

    def named(**counts: tuple[int, int]) -> list[str]:
        return [one.phrase for one in encoding_differences(EncodingCounts(**{**none, **counts}), (40, 40))]

    assert named() == []
    assert named(spaces=(40, 0), soft_hyphens=(0, 30)) == ["no-break or typographic spaces", "soft hyphens"]
    assert named(spaces=(8, 0)) == [], "too small a difference"
    assert named(spaces=(40, 38)) == []
    few = EncodingCounts(**{**none, "spaces": (4, 0)})
    assert encoding_differences(few, (5, 5)) == (), "by chance in so few"


def test_normalised_before_anything_is_counted_or_hashed(tmp_path: Path) -> None:
    for name, text in (("a", "one\r\n"), ("b", "one\n"), ("c", "\ufeff\u200b\n"), ("d", "two")):
        (tmp_path / f"{name}.txt").write_text(text, newline="", encoding="utf-8")
    corpus = read_corpus(tmp_path, normalise=True)
    assert [document.text for document in corpus.documents] == ["one\n", "two"]
    assert (corpus.dropped_empty, corpus.dropped_duplicate) == (1, 1)
    (tmp_path / "a.txt").write_text("one\n")
    assert read_corpus(tmp_path, normalise=True).sha256 == corpus.sha256


def test_nothing_changes_where_the_texts_are_in_the_form_already(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    assert read_corpus(tmp_path, normalise=True) == read_corpus(tmp_path)
