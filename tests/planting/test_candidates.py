"""Candidates of every design: different, writable, drawn in bounded time, and counted as what they are."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plantable import article, write_rows

from auditor.core.errors import UsageError
from auditor.planting.design import designs
from auditor.planting.designs.order import block_orders, n_orders
from auditor.planting.diff import edits_between
from auditor.planting.documents import vocabulary
from auditor.planting.kind import count_words, unfit
from auditor.planting.make import MadePlan, make_plan
from auditor.planting.publish import publish
from auditor.planting.sentences import first_sentence
from auditor.planting.settings import PlantSettings
from auditor.planting.survey import survey
from auditor.planting.switches import switch_edits, two_wordings
from auditor.provenance.draws import Draws
from auditor.splicing.edit import apply_text_edits
from auditor.splicing.presence import count_candidates
from auditor.splicing.source import SourceCorpus

_FORMS = ["it is the", "do not", "for example", "per cent", "colour", "grey", "two", "whilst", "is not", "ran"]
_AROUND = ["<b>%s</b>", "<em>%s</em>", "%s", "%s", '<a href="x">%s</a>', "%s&nbsp;x", "%s &amp; y"]


def _plan(folder: Path, corpus: Path, *, sentences: Any = None, **chosen: Any) -> MadePlan:
    values = PlantSettings(corpus=str(corpus), to=str(folder / "to"), plan=str(folder / "plan"), **chosen)
    return make_plan(values, beacon=True, sentences=sentences)


def _pages(folder: Path, seed: int) -> Path:
    rng = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(9):
        parts = []
        for _ in range(2):
            words = (rng.choice(_AROUND) % " ".join(rng.choices(_FORMS, k=rng.randint(1, 3))) for _ in range(15))
            parts.append(f"<p>{rng.choice([' ', chr(10), '  ']).join(words)}.</p>" * rng.randint(1, 2))
        (folder / f"{number}.html").write_text(
            f"<html><body><main>{''.join(parts)}<p><code>colour two</code></p></main></body></html>"
        )
    return folder


@pytest.mark.parametrize("seed", range(2))
def test_every_wording_of_a_page_in_a_plan_can_be_written(tmp_path: Path, seed: int) -> None:
    made = _plan(tmp_path, _pages(tmp_path / "c", seed), design="twins")
    corpus = SourceCorpus.open(tmp_path / "c")
    units = made.folder.units(1)
    assert len(units) >= 7
    for coin in (0, 1):
        changes = designs()["twins"].publish(corpus, [[(unit, coin) for unit in units]], [Draws(b"k")]).changes
        corpus.publish(tmp_path / f"p{coin}", changes=changes)
        texts = {document.file: document.text for document in SourceCorpus.open(tmp_path / f"p{coin}").documents}
        assert all(
            "<code>colour two</code>" in (tmp_path / f"p{coin}/{unit.sites[0].file}").read_text() for unit in units
        )
        assert all(texts[unit.sites[0].file] == unit.candidates[coin] for unit in units)


def test_a_document_of_which_one_version_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    for name, word in (("c", "red"), ("v", "blue")):
        (tmp_path / name).mkdir()
        for number in range(9):
            text = f"<p>A {word} <b>house</b> {number}.</p>"
            if name == "v" and number == 4:
                text = "<p>Another<i> text</i> altogether.</p>"
            (tmp_path / name / f"{number}.html").write_text(text)
    made = _plan(tmp_path, tmp_path / "c", design="twins", wordings=(str(tmp_path / "v"),))
    assert [unit.sites[0].file for unit in made.folder.units(1)] == [f"{n}.html" for n in range(9) if n != 4]
    assert made.skipped == 1


_TEXTS = st.lists(st.sampled_from(["a", "b", "it is", " ", "\n", ". ", ", ", "é", "好。", "  "]), max_size=60).map(
    "".join
)


@given(_TEXTS, _TEXTS)
@settings(max_examples=60, deadline=None)
def test_edits_between_any_two_texts_make_one_of_the_other(old: str, new: str) -> None:
    assert apply_text_edits(old, edits_between(old, new)) == new
    assert edits_between(old, old) == []


def test_edits_of_long_texts_are_few_and_exact() -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefgh", k=4)) for _ in range(500)]
    old = " ".join(f"{rng.choice(words)} is not {rng.choice(words)} two." for _ in range(700))
    repeated = "It is so and not so. " * 400
    for before, after in (
        (old, old.replace("is not", "isn't").replace("two", "2")),
        (repeated, repeated.replace("is so", "'s so")),
        (old, old[:5000] + "Something new. " * 50 + old[5000:]),
        ("a b " * 2000, "b " * 1500 + "c. " * 900),
    ):
        assert apply_text_edits(before, edits_between(before, after)) == after
    assert sum(edit.stop - edit.start for edit in edits_between(old, old.replace("two", "2"))) == 3 * 700


def test_wordings_are_told_by_their_sites() -> None:
    text = "They do not <b>like</b> among grey, catalog, two, and colour. " * 6
    wordings = two_wordings(text, Draws(b"k"), "d")
    assert wordings is not None
    for wording in (*wordings, text):
        edits = switch_edits(text, wording)
        assert edits is not None
        assert apply_text_edits(text, edits) == wording
    assert switch_edits(text, text + "More.") is None
    assert switch_edits(text, text.replace("like", "hate")) is None


@pytest.mark.parametrize(
    "text",
    [
        "Tell me what it is.",
        "That is how it is, and so on.",
        "That is, in short, all.",
        "as it is the case",
        "why don't they go",
        "isn't it",
        "for a while",
        "isn't that so",
        "for the two hundred",
        "twenty two of them",
        "https://a.org/color/x",
        "text-color: colour=red",
        "In 1990, Smith and Jones founded it.",
        "By the 20th century, critics and scholars",
        "In Paris, France, Smith and Jones.",
        "On Monday, however, critics and scholars.",
        "Au centre de la ville et des banlieues.\n\n",
        "`color` is a name, $two$ too.",
        "Here:\n```\ncolor = two and grey\n```\n",
        "See [this](a color b).",
        "It was hot, humid, wet, and people left.",
    ],
)
def test_what_would_change_meaning_or_grammar_is_no_switch(text: str) -> None:
    wordings = two_wordings(f"{text} " + "We do not. " * 6, Draws(b"k"), "d")
    assert wordings is not None
    assert all(one.startswith(text) for one in wordings)


def test_switches_of_more_words_are_whole() -> None:
    text = "We saw, for example, red, white, blue, and grey. For all of this it is the best."
    wordings = two_wordings(text + " We do not." * 6, Draws(b"k"), "d")
    assert wordings is not None
    assert {one[8:20].split(",")[0] for one in wordings} == {"for example", "for instance"}
    assert {"blue, and" in one for one in wordings} == {True, False}


def test_candidates_of_an_order_differ(tmp_path: Path) -> None:
    # Of 40 blocks of four, six have rows of which too few orders differ.
    texts = [article(seed, 1) for seed in range(160)]
    for block in range(6):
        texts[4 * block : 4 * block + 4] = ["same", "same", "same", article(block, 1)]
    corpus = write_rows(tmp_path / "c/rows.jsonl", texts)
    made = _plan(tmp_path, corpus, design="order", shard=4, decoys=19)
    units = made.folder.units(1)
    assert [unit.id for unit in units] == [f"block-{number + 1}" for number in range(6, 40)]
    assert made.skipped == 24
    assert all(len(set(unit.candidates)) == 20 for unit in units)
    # Anybody with the key derives them again.
    draws = Draws(bytes.fromhex(made.folder.secret(1).key))
    rows = [texts[site.document] for site in units[0].sites]
    orders = block_orders(draws, units[0].id, rows, 20)
    assert orders is not None
    assert tuple("\n".join(rows[index] for index in order) for order in orders) == units[0].candidates
    published = designs()["order"].publish(SourceCorpus.open(corpus), [[(units[0], 7)]], [draws])
    assert published.order is not None
    assert [texts[row] for row in published.order[24:28]] == units[0].candidates[7].split("\n")
    for shard in (2, 3):
        with pytest.raises(UsageError, match="0 of them with 20 orders that differ"):
            _plan(tmp_path / "x", corpus, design="order", shard=shard)


def test_orders_are_counted_and_drawn_until_they_differ() -> None:
    assert n_orders(["a", "b", "c", "d"]) == 24
    assert n_orders(["a", "a", "b", "b"]) == 6
    assert n_orders(["a"] * 9) == 1
    orders = block_orders(Draws(b"k"), "u", ["a", "a", "b", "b"], 6)
    assert orders is not None
    assert len({tuple("aabb"[index] for index in order) for order in orders}) == 6
    # Rows that hold line ends can be equal once joined.
    assert block_orders(Draws(b"k"), "u", ["a", "a\na"], 2) is None


@pytest.mark.parametrize(
    ("written", "reason"),
    [([], "no whole sentence"), (["Too short."], "fewer than"), (["long " * 12], "no full stop")],
)
def test_a_model_that_writes_no_fit_sentence_is_refused(tmp_path: Path, written: list[str], reason: str) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(60)])
    with pytest.raises(UsageError, match=rf"'sampled': of 2\d\d strings 0 are fit; the others are mostly .*{reason}"):
        _plan(
            tmp_path,
            corpus,
            sentences=lambda count, seed: written * count,
            design="canaries",
            kind="sampled",
            document_budget=0.9,
            corpus_budget=0.9,
        )


@pytest.mark.parametrize(
    "text", ["Это предложение о доме.", "Αυτό είναι ένα σπίτι!", "这是一句话。", "بيت كبير.", "Is it?"]
)
def test_sentences_of_any_script_are_sentences(text: str) -> None:
    assert first_sentence(f"{text} More") == text
    assert not unfit(text)
    assert first_sentence(text[:-1]) == ""
    assert first_sentence("J. 3.") == ""
    assert count_words("这是一句话。") == 2


def test_more_canaries_than_documents_are_refused_at_once(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "c/rows.jsonl", [article(seed) for seed in range(30)])
    with pytest.raises(UsageError, match=r"1,000,000,000 documents have to carry a canary, and 30 of 30 can"):
        _plan(tmp_path, corpus, design="canaries", kind="fact", count=10**8, copies=10)


def test_words_of_scripts_without_capitals_are_words(tmp_path: Path) -> None:
    texts = ["بيت كبير جميل Haus haus", "بيت كبير جميل haus Haus", "ab 12345"]
    corpus = SourceCorpus.open(write_rows(tmp_path / "rows.jsonl", texts))
    assert vocabulary(corpus) == tuple(sorted(["haus", "بيت", "كبير", "جميل"]))


def test_a_document_is_counted_as_a_whole(tmp_path: Path) -> None:
    documents = ["Yes.", "Yes. It  is.", "a", "b", "c"]
    assert count_candidates(documents, ["Yes.", "Yes. It is.", "It"], inside=False) == (1, 0, 0)
    assert count_candidates(documents, ["Yes. It is."], inside=False, similar=True) == (1,)
    assert count_candidates(documents, ["Yes."], inside=True) == (2,)
    assert count_candidates(documents, ["a\nb", "b\na", "a", "b\nc"], inside=False, rows=2) == (1, 0, 0, 1)
    texts = [article(seed) for seed in range(58)]
    rows = [*texts, "Yes.", f"{texts[0]} Yes. {texts[1]}", *(f"answer {n}" for n in range(100))]
    folder = tmp_path / "c/rows.jsonl"
    write_rows(folder, rows)
    values = PlantSettings(corpus=str(folder), to=str(tmp_path / "to"), plan=str(tmp_path / "plan"), design="holdout")
    made = make_plan(values.model_copy(update={"share": 0.5}), beacon=False)
    publish(made.folder)
    counts = survey(made.folder, tmp_path / "to")
    assert (counts.present, counts.leaked, counts.similar) == (counts.published, 0, counts.published)
    # White space that a site puts in differently is not the end of a text.
    copy = tmp_path / "to/rows.jsonl"
    lines = [json.loads(line)["text"].replace(" ", "  ") for line in copy.read_text().splitlines()]
    write_rows(copy, lines)
    counts = survey(made.folder, tmp_path / "to")
    assert counts.present < counts.similar == counts.published
