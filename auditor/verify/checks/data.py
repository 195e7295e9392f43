"""The given documents must be those of the audit, and the measurements of their text must follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from auditor.audit.inputs import documents_as_read
from auditor.corpora.comparable import disambiguate_groups
from auditor.corpora.document import Corpus, Document, corpus_sha256
from auditor.corpora.read import read_for_audit
from auditor.features.table import group_rows
from auditor.membership.assess import describe_texts
from auditor.results.result import AuditResult, CorpusSummary, DocumentResult
from auditor.verify.check import CheckAnswer, check, reading
from auditor.verify.differences import Difference, compare, far_cells
from auditor.verify.subject import Subject

_LARGEST = 1e-6
"""Share of a column's largest coordinate by which the decomposition of the same texts may differ between processors."""
_NAMES = {"heldout": "held-out"}


@check(name="data", order=80)
def data(subject: Subject) -> CheckAnswer:
    """Read each set again as the configuration says, and compare it with the result."""
    if not subject.data and not subject.texts:
        return CheckAnswer("not asked", "give --data suspect=PATH --data heldout=PATH to compare the documents with it")
    settings = subject.inputs.settings
    with reading():
        read = {role: read_for_audit(source, settings) for role, source in subject.data.items()}
    wrong = [difference for role, corpus in read.items() for difference in _against(subject, role, corpus)]
    counts = [f"{len(corpus.documents):,} {_NAMES.get(role, role)} documents" for role, corpus in read.items()]
    if wrong:
        return CheckAnswer("failed", f"not the documents of the audit: {', '.join(counts)}", tuple(wrong))
    detail = f"the same by id, group and digest: {', '.join(counts)}" if counts else "the texts of the bundle"
    read = {**_bundled(subject), **read}
    if {"suspect", "heldout"} <= set(read):
        wrong = [*_shown(subject), *_texts(subject, read)]
        if wrong:
            return CheckAnswer("failed", "the measurements of the texts do not follow from them", tuple(wrong))
        detail += "; the text baseline and the overlap follow from them"
    else:
        detail += "; the measurements of the texts were not recomputed, which needs suspect and heldout"
    return CheckAnswer("passed", detail)


def _bundled(subject: Subject) -> dict[str, Corpus]:
    """The two sides from the texts of the bundle; empty where it holds none."""
    if not subject.texts:
        return {}
    sides: dict[str, Corpus] = {}
    stored = documents_as_read(subject.inputs, subject.result.documents)
    pairs = list(zip(stored, subject.texts, strict=True))
    for side in ("suspect", "heldout"):
        documents = tuple(Document(d.id, text, d.group) for d, text in pairs if d.side == side)
        sides[side] = Corpus("the bundle", documents, 0, 0, corpus_sha256(documents))
    return sides


def _against(subject: Subject, role: str, corpus: Corpus) -> Iterator[Difference]:
    summary: CorpusSummary | None = getattr(subject.result, role)
    if summary is None:
        yield Difference(role, None, corpus.sha256)
        return
    again = {
        "documents": len(corpus.documents),
        "groups": len(corpus.groups),
        "skipped_files": len(corpus.skipped),
        "dropped_empty": corpus.dropped_empty,
        "dropped_duplicate": corpus.dropped_duplicate,
        "characters": sum(len(document.text) for document in corpus.documents),
        "sha256": corpus.sha256,
    }
    for name, value in again.items():
        if getattr(summary, name) != value:
            yield Difference(f"{role}.{name}", getattr(summary, name), value)
    if role in ("suspect", "heldout"):
        yield from _documents(subject, role, corpus)


def _documents(subject: Subject, role: str, corpus: Corpus) -> Iterator[Difference]:
    result: AuditResult = subject.result
    indices = [index for index, document in enumerate(result.documents) if document.side == role]
    stored = documents_as_read(subject.inputs, [result.documents[index] for index in indices])
    for index, ours, again in zip(indices, stored, corpus.documents, strict=False):
        where = f"documents[{index}]"
        for name in ("id", "group", "sha256"):
            if getattr(ours, name) != getattr(again, name):
                yield Difference(f"{where}.{name}", getattr(ours, name), getattr(again, name))
        yield from _revealed(where, ours, again.text)


def _shown(subject: Subject) -> Iterator[Difference]:
    """Differences between the shown parts of texts and the texts of the bundle."""
    if subject.texts:
        for index, (document, text) in enumerate(zip(subject.result.documents, subject.texts, strict=True)):
            yield from _revealed(f"documents[{index}]", document, text)


def _revealed(where: str, document: DocumentResult, text: str) -> Iterator[Difference]:
    """An excerpt and the marked tokens must be the beginning of the text."""
    if document.excerpt is not None and not text.startswith(document.excerpt):
        yield Difference(f"{where}.excerpt", document.excerpt, text[: len(document.excerpt)])
    marked = "".join(mark.text for mark in document.marks or ())
    if not text.startswith(marked):
        yield Difference(f"{where}.marks", marked, text[: len(marked)])


def _texts(subject: Subject, read: Mapping[str, Corpus]) -> Iterator[Difference]:
    """Compute the text baseline and the overlap again."""
    found, kept = subject.inputs, subject.inputs.measurements
    suspect, heldout = read["suspect"], disambiguate_groups(read["suspect"], read["heldout"])
    rows = group_rows(kept.features, found.groups, found.sides)
    alone, overlap = describe_texts(suspect, heldout, rows, policy=found.settings.policy, seed=found.settings.seed)
    yield from far_cells("measurements.text.values", kept.text.values, alone.values, most=_LARGEST)
    pairs, stored = ([asdict(pair) for pair in some] for some in (overlap.pairs, kept.overlap))
    yield from compare(stored, pairs, at="measurements.overlap").differences
    again = [len(document.text) for document in (*suspect.documents, *heldout.documents)]
    yield from compare(list(kept.characters), again, at="measurements.characters").differences
