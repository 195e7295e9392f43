"""Versions of the same documents as candidates, and the edits that publish one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, Publication
from auditor.planting.diff import edits_between
from auditor.planting.documents import numbered
from auditor.planting.switches import switch_edits
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit
from auditor.splicing.edit import TextEdit
from auditor.splicing.source import SourceCorpus


def forms_of(ingredients: Ingredients) -> dict[int, tuple[str, ...]]:
    """The versions of each document that has different ones, all of which can be written; CORPUS is one of them.

    Raises:
        UsageError: A version has other documents than the corpus, no document differs, or none can be written.
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
            forms[number] = candidates
    if not forms:
        raise UsageError("no document is worded differently in every version", hint="Give versions that differ.")
    able = writable(corpus, forms)
    if not able:
        raise UsageError(
            f"{corpus.documents[next(iter(forms))].id}: a version differs where the file has markup or cannot hold it, "
            "and so it is in every document",
            hint="Let versions differ inside paragraphs alone.",
        )
    return {number: versions for number, versions in forms.items() if number in able}


def writable(corpus: SourceCorpus, forms: Mapping[int, Sequence[str]]) -> frozenset[int]:
    """Documents of which every version can be written into their files.

    Each version of each is written in memory by the very edits that publish it. That looks at all versions alike, so
    that what is left out tells nothing of coins.

    Raises:
        UsageError: A file changed since the corpus was read.
    """
    # Document by document, as each file is opened once then.
    edits = {number: [edits_to(corpus, number, version) for version in forms[number]] for number in forms}
    # What a format can tell by position is not tried, as each refusal costs writing a file again.
    able = {
        number
        for number, versions in edits.items()
        if all(corpus.can_edit(number, edit.start, edit.stop) for changes in versions for edit in changes)
    }
    for version in range(max(map(len, forms.values()), default=0)):
        able -= corpus.unwritable({number: edits[number][version] for number in able})
    return frozenset(able)


def edits_to(corpus: SourceCorpus, number: int, version: str) -> list[TextEdit]:
    """The edits that turn a document into a version of it: of its switches where they make it, of words otherwise."""
    text = corpus.documents[number].text
    switched = switch_edits(text, version, partial(corpus.can_reword, number))
    return edits_between(text, version) if switched is None else switched


def publish_forms(
    corpus: SourceCorpus, dealt: Sequence[Sequence[tuple[Unit, int]]], draws: Sequence[Draws]
) -> Publication:
    """The edits that turn each document into the version that was dealt."""
    numbers = numbered(corpus)
    changes = {}
    for batch in dealt:
        for unit, chosen in batch:
            number = numbers[unit.sites[0].file, unit.sites[0].document]
            changes[number] = edits_to(corpus, number, unit.candidates[chosen])
    return Publication(changes=changes)
