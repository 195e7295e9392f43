"""Versions of the same documents as candidates, and the smallest edits from one to another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, Publication
from auditor.planting.documents import numbered
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit
from auditor.splicing.edit import TextEdit
from auditor.splicing.source import SourceCorpus

_PIECE = re.compile(r"\w+|\s+|[^\w\s]")


def forms_of(ingredients: Ingredients) -> dict[int, tuple[str, ...]]:
    """The versions of each document that has different ones; CORPUS is one of them.

    Raises:
        UsageError: A version has other documents than the corpus, or no document differs.
    """
    corpus, versions = ingredients.corpus, ingredients.versions
    keys = [(document.file, document.index) for document in corpus.documents]
    for version in versions:
        theirs = [(document.file, document.index) for document in version.documents]
        one_file = len({file for file, _ in keys}) == len({file for file, _ in theirs}) == 1
        same = len(keys) == len(theirs) if one_file else keys == theirs
        if not same:
            raise UsageError(
                f"{version.path} does not have the documents of {corpus.path}",
                hint="Versions need files of the same names, with as many documents in the same order.",
            )
    forms = {}
    for number, document in enumerate(corpus.documents):
        candidates = (document.text, *(version.documents[number].text for version in versions))
        if document.text.strip() and len(set(candidates)) == len(candidates):
            _require_editable(corpus, number, candidates)
            forms[number] = candidates
    if not forms:
        raise UsageError("no document is worded differently in every version", hint="Give versions that differ.")
    return forms


def _require_editable(corpus: SourceCorpus, number: int, candidates: Sequence[str]) -> None:
    document = corpus.documents[number]
    for candidate in candidates:
        for edit in edits_between(document.text, candidate):
            if not corpus.can_edit(number, edit.start, edit.stop):
                raise UsageError(
                    f"{document.id}: a version differs where the file has markup, so it cannot be written in its place",
                    hint="Let versions differ inside paragraphs alone.",
                )


def publish_forms(
    corpus: SourceCorpus, dealt: Sequence[Sequence[tuple[Unit, int]]], draws: Sequence[Draws]
) -> Publication:
    """The edits that turn each document into the version that was dealt."""
    numbers = numbered(corpus)
    changes = {}
    for batch in dealt:
        for unit, chosen in batch:
            number = numbers[unit.sites[0].file, unit.sites[0].document]
            changes[number] = edits_between(corpus.documents[number].text, unit.candidates[chosen])
    return Publication(changes=changes)


def edits_between(old: str, new: str) -> list[TextEdit]:
    """Edits of words, spaces and signs that turn one text into another, so that everything else stays."""
    ours, theirs = _PIECE.findall(old), _PIECE.findall(new)
    starts = [0]
    for piece in ours:
        starts.append(starts[-1] + len(piece))
    matcher = SequenceMatcher(None, ours, theirs, autojunk=False)
    return [
        TextEdit(starts[first], starts[last], "".join(theirs[begin:end]))
        for tag, first, last, begin, end in matcher.get_opcodes()
        if tag != "equal"
    ]
