"""What is still there of texts that were put into a corpus: in a live copy, and behind the filters of others."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.splicing.pipeline import Stage, main_content, published_filters
from auditor.splicing.source import SourceCorpus

_WORD = re.compile(r"\w+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_PLAIN = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-"}
)


def normal_form(text: str) -> str:
    """A text as it is compared where its typography does not matter."""
    return " ".join(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text).translate(_PLAIN)).split())


def count_texts(documents: Iterable[str], texts: Sequence[str]) -> tuple[int, ...]:
    """How often each text stands in documents, without overlap; an empty text stands nowhere."""
    # A document that lacks the rarest word inside a text lacks the text: few texts are looked for in full.
    inside = [_WORD.findall(text)[1:-1] for text in texts]
    among = Counter(word for words in inside for word in set(words))
    anchors: dict[str, list[int]] = {}
    for number, words in enumerate(inside):
        anchors.setdefault(min(words, key=lambda word: (among[word], -len(word)), default=""), []).append(number)
    anywhere, counts = anchors.pop("", []), [0] * len(texts)
    for document in documents:
        there = anchors.keys() & set(_WORD.findall(document))
        for number in (*anywhere, *(number for word in there for number in anchors[word])):
            counts[number] += document.count(texts[number]) if texts[number] else 0
    return tuple(counts)


@dataclass(frozen=True, slots=True)
class StageSurvival:
    """What is left after one stage of a pipeline.

    Attributes:
        stage: Its name.
        documents: Documents with at least one of the texts that it lets through.
        documents_without: Documents that it lets through, as all filters before it, where the texts are taken out.
        texts: Texts of which at least one copy is left.
    """

    stage: str
    documents: int
    documents_without: int
    texts: int


@dataclass(frozen=True, slots=True)
class PipelineSurvival:
    """What a pipeline of training data leaves of texts.

    Attributes:
        documents: Documents with at least one of the texts, before any stage.
        texts: Texts of which at least one copy was there before any stage.
        stages: What each stage leaves, in order.
        left: Of each text, whether a copy is left after all stages.
        share: Copies left after all stages, of those before, between 0 and 1; 0 where there were none.
    """

    documents: int
    texts: int
    stages: tuple[StageSurvival, ...]
    left: tuple[bool, ...]
    share: float


def through_pipeline(published: Path, texts: Sequence[str], *, text_column: str = "text") -> PipelineSurvival:
    """Send the documents that hold texts through the filters that pipelines of training data apply, all for English.

    Web pages first go through trafilatura's extraction of the main content; then every document through datatrove's
    filters GopherRepetition, GopherQuality, C4 and FineWeb, each with its published settings. Typography does not
    matter in what is found. A document is sent twice, with its texts and without, so that what the texts cost it shows.

    Args:
        published: The folder or file.
        texts: What to look for.
        text_column: The column of the texts, of formats that have columns.

    Raises:
        UsageError: The copy cannot be read, or the extra `survive` is not installed.
    """
    filters = published_filters()
    corpus, wanted = SourceCorpus.open(published, text_column=text_column), list(map(normal_form, texts))
    forms = ((number, document.text) for number, document in enumerate(corpus.documents))
    sent = {number: text for number, text in forms if any(_count([text], wanted))}
    before = _count(sent.values(), wanted)
    pages = {number: page for number in sent if (page := corpus.page(number))}
    whole, passed = sent, list[StageSurvival]()
    if pages:
        whole = {number: main_content(pages[number]) if number in pages else text for number, text in sent.items()}
        whole = {number: text for number, text in whole.items() if text}
        passed.append(_passed("trafilatura", whole, whole, wanted))
    alone = {number: _without(text, texts) for number, text in whole.items()}
    for stage in filters:
        whole, alone = _let_through(stage, whole), _let_through(stage, alone)
        passed.append(_passed(stage.name, whole, alone, wanted))
    after = _count(whole.values(), wanted)
    share = sum(map(min, after, before)) / max(1, sum(before))
    return PipelineSurvival(len(sent), sum(map(bool, before)), tuple(passed), tuple(map(bool, after)), share)


def _count(documents: Iterable[str], wanted: Sequence[str]) -> tuple[int, ...]:
    return count_texts(map(normal_form, documents), wanted)


def _without(document: str, texts: Sequence[str]) -> str:
    for text in texts:
        document = document.replace(text, "") if text else document
    return document


def _let_through(stage: Stage, documents: Mapping[int, str]) -> dict[int, str]:
    left = {number: stage.apply(text) for number, text in documents.items()}
    return {number: text for number, text in left.items() if text is not None}


def _passed(stage: str, whole: Mapping[int, str], alone: Mapping[int, str], wanted: Sequence[str]) -> StageSurvival:
    return StageSurvival(stage, len(whole), len(alone), sum(map(bool, _count(whole.values(), wanted))))
