"""What is still there of texts, and how much they add."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from auditor.core.errors import UsageError
from auditor.splicing import survival
from auditor.splicing.pipeline import Stage
from auditor.splicing.presence import count_candidates
from auditor.splicing.source import SourceCorpus
from auditor.splicing.survival import count_texts, through_pipeline

PLANTS = ("A river “walked” home.", "Stones don’t sleep here.", "Never put in at all.")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    root = tmp_path / "published"
    root.mkdir()
    (root / "a.txt").write_text(f"One. Two. {PLANTS[0]} Three.")
    (root / "b.html").write_text(f"<p>First. {PLANTS[1].replace(' ', '  ')} More &amp; last.</p>")
    (root / "c.jsonl").write_text('{"text": "x A river  \\"walked\\"\\u00a0home. y"}\n{"text": "other"}\n')
    return root


def _found(path: Path, texts: Sequence[str], *, similar: bool = False) -> tuple[int, ...]:
    documents = [document.text for document in SourceCorpus.open(path).documents]
    return count_candidates(documents, texts, inside=True, similar=similar)


def test_texts_are_counted_exactly_and_whatever_their_typography(published: Path) -> None:
    assert _found(published, PLANTS) == (1, 1, 0)
    assert _found(published, PLANTS, similar=True) == (2, 1, 0)
    assert _found(published / "c.jsonl", ("other", "", "a")) == (1, 0, 1)


def test_counting_passes_over_documents_by_a_word_and_finds_parts_of_words() -> None:
    documents = ["a river walked", "river rivers river", "aaaa"]
    assert count_texts(documents, ["river", "a river walked", "aa", "ver rivers ri", ". .", "er walk"]) == (
        4,
        1,
        2,
        1,
        0,
        1,
    )


def test_a_pipeline_is_told_stage_by_stage(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = (
        Stage("no stones", lambda text: None if "Stones" in text else text),
        Stage("shorter", lambda text: text.replace("“walked”", "")),
    )
    monkeypatch.setattr(survival, "published_filters", lambda: stages)
    monkeypatch.setattr(survival, "main_content", lambda page: page.partition("<p>")[2])
    outcome = through_pipeline(published, PLANTS)
    assert (outcome.documents, outcome.texts) == (3, 2)
    assert [(each.stage, each.documents, each.texts) for each in outcome.stages] == [
        ("trafilatura", 3, 2),
        ("no stones", 2, 1),
        ("shorter", 2, 1),
    ]
    assert outcome.stages[1].documents_without == 2
    assert outcome.left == (True, False, False)
    assert outcome.share == pytest.approx(1 / 3)


@pytest.mark.parametrize("lacking", ["trafilatura", "spacy", "datatrove.pipeline.filters"])
def test_what_is_not_installed_is_named(published: Path, monkeypatch: pytest.MonkeyPatch, lacking: str) -> None:
    for name in ("trafilatura", "spacy", "datatrove", "datatrove.pipeline.filters", "datatrove.data"):
        monkeypatch.setitem(sys.modules, name, None if name == lacking else type(sys)(name))
    with pytest.raises(UsageError, match="the filters of pipelines need trafilatura and datatrove") as caught:
        through_pipeline(published, PLANTS)
    assert "llm-auditor[survive]" in caught.value.hint


@pytest.mark.slow
def test_a_natural_sentence_passes_the_published_filters(tmp_path: Path) -> None:
    pytest.importorskip("trafilatura")
    pytest.importorskip("datatrove")
    body = (
        "The road to the north had been closed since November, and nobody had come to the village for months. "
        "When the spring came, the first travellers told stories of the snow that lay in the mountains. "
        "{} Some of them had lost their horses on the way, while others had waited in the inns. "
        "The people of the village listened to them with great interest until the evening. "
        "In the morning the travellers went on to the town, where a market is held every week.\n"
    )
    plant = "The old clock above the bakery was repaired by a visitor from the coast."
    (tmp_path / "a.txt").write_text(body.format(plant))
    page = f"<html><body><nav><a href=x>Home</a></nav><main><p>{body.format(plant)}</p></main></body></html>"
    (tmp_path / "b.html").write_text(page)
    (tmp_path / "c.txt").write_text(body.format(" ".join([plant] * 10)))
    outcome = through_pipeline(tmp_path, [plant])
    last = outcome.stages[-1]
    assert (outcome.documents, last.documents, last.documents_without, last.texts) == (3, 2, 3, 1)
