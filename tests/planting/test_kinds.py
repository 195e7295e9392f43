"""Canaries: fit for a document, of one law, and never in the corpus."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import pytest
from support.plantable import article, write_rows

from auditor.core.errors import UsageError
from auditor.planting.documents import occurring, vocabulary
from auditor.planting.kind import KindContext, canary_kinds, unfit
from auditor.provenance.draws import Draws
from auditor.splicing.source import SourceCorpus

CONTEXT = KindContext(
    tuple(f"word{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(600)),
    lambda count, seed: [f"Sentence {seed} number {n} of some length is here." for n in range(count)],
)


@pytest.mark.parametrize("name", ["words", "hex", "fact", "sampled"])
def test_canaries_are_fit_and_follow_from_the_key(name: str) -> None:
    kind = canary_kinds()[name]
    drawn = list(islice(kind.make(Draws(b"k"), "c1", CONTEXT), 200))
    assert len(set(drawn)) == 200
    assert not any(map(unfit, drawn))
    assert drawn == list(islice(kind.make(Draws(b"k"), "c1", CONTEXT), 200))
    for draws, unit in ((Draws(b"l"), "c1"), (Draws(b"k"), "c2")):
        assert not set(drawn) & set(islice(kind.make(draws, unit, CONTEXT), 200))


def test_no_two_facts_share_their_beginning_often() -> None:
    """A shared template would teach a model the decoys too."""
    drawn = list(islice(canary_kinds()["fact"].make(Draws(b"k"), "c1", CONTEXT), 300))
    starts = [" ".join(text.split()[:2]) for text in drawn]
    assert max(starts.count(start) for start in set(starts)) < 100


@pytest.mark.parametrize(
    "text", ["no stop", "Two\nlines.", "A {bracket}.", "<b>Mark</b>.", "", ".", " ".join(["long"] * 40) + "."]
)
def test_what_would_not_survive_is_unfit(text: str) -> None:
    assert unfit(text)


def test_missing_ingredients_are_named() -> None:
    with pytest.raises(UsageError, match="different words"):
        next(canary_kinds()["words"].make(Draws(b"k"), "c", KindContext(("one", "two"))))
    with pytest.raises(UsageError, match="need a model"):
        next(canary_kinds()["sampled"].make(Draws(b"k"), "c", KindContext(())))


def test_texts_that_stand_in_a_corpus_are_noticed(tmp_path: Path) -> None:
    texts = [article(seed) for seed in range(5)]
    corpus = SourceCorpus.open(write_rows(tmp_path / "rows.jsonl", [*texts, "One  two\nthree four five six."]))
    sentence = texts[3].split(". ")[2] + "."
    assert occurring(corpus, [sentence, "One two three four five six.", "One two three four five seven."]) == {
        sentence,
        "One two three four five six.",
    }
    words = vocabulary(corpus)
    assert list(words) == sorted(set(words))
    assert words
    assert all(sum(word in re.findall(r"\w+", text) for text in texts) > 1 for word in words)
