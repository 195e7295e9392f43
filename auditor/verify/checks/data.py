"""The given documents must be those of the audit, and the measurements of their text must follow from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache, partial
from typing import get_args

from auditor.audit.chat import date_of, example_of, recorded_format
from auditor.audit.inputs import all_as_read
from auditor.corpora.document import Corpus, Document, corpus_sha256, restore, without
from auditor.corpora.normal import encoding_counts
from auditor.corpora.read import read_for_audit
from auditor.features.table import group_rows
from auditor.membership.assess import describe_texts
from auditor.membership.sides import separate, shared_documents
from auditor.results.chat import ChatSummary
from auditor.results.forgetting.measurements import Role
from auditor.results.result import CorpusSummary, DocumentResult, Side
from auditor.verify.check import CheckAnswer, check, reading
from auditor.verify.differences import Difference, compare, far_cells
from auditor.verify.subject import Subject

_LARGEST = 1e-6
"""Share of a column's largest coordinate by which the decomposition of the same texts may differ between processors."""
_NAMES = {"heldout": "held-out"}
SIDES: tuple[Side, Side] = ("suspect", "heldout")
ROLES: tuple[Role, ...] = get_args(Role)


@check(name="data", order=80)
def data(subject: Subject) -> CheckAnswer:
    """Read each set again as the configuration says, and compare it with the result."""
    if not subject.data and not subject.texts:
        return CheckAnswer("not asked", "give --data suspect=PATH --data heldout=PATH to compare the documents with it")
    settings = subject.inputs.settings
    # One for all sets, as in an audit: whether it reads the date is known once all are rendered.
    chat = cache(partial(recorded_format, subject.result.manifest.chat, settings))
    with reading():
        read: dict[Role, Corpus] = {
            role: read_for_audit(subject.data[role], settings, chat) for role in ROLES if role in subject.data
        }
    wrong = [difference for role, corpus in read.items() for difference in _against(subject, role, corpus)]
    counts = [f"{len(corpus.documents):,} {_NAMES.get(role, role)} documents" for role, corpus in read.items()]
    if wrong:
        return CheckAnswer("failed", f"not the documents of the audit: {', '.join(counts)}", tuple(wrong))
    detail = f"the same by id, group and digest: {', '.join(counts)}" if counts else "the texts of the bundle"
    whole = _bundled(subject) | read
    missing = [role for role in _compared(subject) if role not in whole]
    if missing:
        needed = " and ".join(_NAMES.get(role, role) for role in missing)
        return CheckAnswer(
            "passed", f"{detail}; the measurements of the texts were not recomputed, which needs {needed}"
        )
    wrong = [*_shown(subject), *_texts(subject, whole)]
    if wrong:
        return CheckAnswer("failed", "the measurements of the texts do not follow from them", tuple(wrong))
    return CheckAnswer("passed", f"{detail}; the text baseline and the overlap follow from them")


def _compared(subject: Subject) -> list[Role]:
    """The sets that the overlap is made from."""
    series = subject.inputs.settings.series
    extra: dict[Role, str | None] = {} if series is None else {"placebo": series.placebo, "general": series.general}
    return ["suspect", "heldout", *(role for role, source in extra.items() if source is not None)]


def _bundled(subject: Subject) -> dict[Role, Corpus]:
    """The two sides from the texts of the bundle; empty where it holds none."""
    if not subject.texts:
        return {}
    result = subject.result
    keys: list[tuple[str, str]] = [(document.side, document.sha256) for document in result.documents]
    keys += [(document.role, document.sha256) for document in result.left_out]
    texts = dict(zip(keys, subject.texts, strict=True))
    return {
        side: _corpus(
            [_restored(subject, d.id, texts[side, d.sha256], d.group) for d in all_as_read(subject.inputs, side)]
        )
        for side in SIDES
    }


def _restored(subject: Subject, name: str, stored: str, group: str) -> Document:
    return restore(name, stored, group, conversation=subject.result.manifest.chat is not None)


def _corpus(documents: list[Document]) -> Corpus:
    return Corpus("the bundle", tuple(documents), 0, 0, corpus_sha256(documents))


def _against(subject: Subject, role: Role, whole: Corpus) -> Iterator[Difference]:
    result = subject.result
    summary: CorpusSummary | None = getattr(result, role)
    if summary is None:
        yield Difference(role, None, whole.sha256)
        return
    corpus = without(whole, _left_out(subject, role))
    again = {
        "documents": len(corpus.documents),
        "groups": len(corpus.groups),
        "skipped_files": len(corpus.skipped),
        "skipped_kinds": dict(corpus.skipped_kinds),
        "dropped_empty": corpus.dropped_empty,
        "dropped_duplicate": corpus.dropped_duplicate,
        "dropped_shared": len(corpus.left_out),
        "characters": sum(len(document.text) for document in corpus.documents),
        "sha256": corpus.sha256,
    }
    for name, value in again.items():
        if getattr(summary, name) != value:
            yield Difference(f"{role}.{name}", getattr(summary, name), value)
    for side in SIDES:
        if role == side:
            yield from _documents(subject, side, whole)


def _left_out(subject: Subject, role: Role) -> list[int]:
    """Positions of the documents of a set that its result leaves out."""
    stored = subject.result.left_out if role in SIDES else subject.inputs.measurements.overlap
    return [document.index for document in stored if document.role == role]


def _documents(subject: Subject, role: Side, corpus: Corpus) -> Iterator[Difference]:
    compared = (index for index, document in enumerate(subject.result.documents) if document.side == role)
    stored = all_as_read(subject.inputs, role)
    for ours, again in zip(stored, corpus.documents, strict=False):
        where = f"documents[{next(compared)}]" if isinstance(ours, DocumentResult) else "measurements.overlap"
        for name in ("id", "group", "sha256"):
            if getattr(ours, name) != getattr(again, name):
                yield Difference(f"{where}.{name}", getattr(ours, name), getattr(again, name))
        if isinstance(ours, DocumentResult):
            yield from _revealed(where, ours, again)


def _shown(subject: Subject) -> Iterator[Difference]:
    """Differences between the shown parts of texts and the texts of the bundle."""
    for index, (document, stored) in enumerate(zip(subject.result.documents, subject.texts, strict=False)):
        yield from _revealed(f"documents[{index}]", document, _restored(subject, document.id, stored, document.group))


def _revealed(where: str, document: DocumentResult, read: Document) -> Iterator[Difference]:
    """An excerpt must be the beginning of the text, and the marked tokens that of what is scored."""
    if document.excerpt is not None and not read.text.startswith(document.excerpt):
        yield Difference(f"{where}.excerpt", document.excerpt, read.text[: len(document.excerpt)])
    marked = "".join(mark.text for mark in document.marks or ())
    if not read.scored.startswith(marked):
        yield Difference(f"{where}.marks", marked, read.scored[: len(marked)])


def _texts(subject: Subject, read: Mapping[Role, Corpus]) -> Iterator[Difference]:
    """Compute the text baseline and the overlap again."""
    inputs, measurements = subject.inputs, subject.inputs.measurements
    policy, seed = inputs.settings.policy, inputs.settings.seed
    whole = {role: read[role] for role in _compared(subject)}
    sides = separate(whole, shared_documents(whole, policy=policy, seed=seed), policy)
    shared, stored = (
        [asdict(document) for document in overlapping] for overlapping in (sides.shared, measurements.overlap)
    )
    differs = compare(stored, shared, at="measurements.overlap").differences
    if differs:
        yield from differs
        return
    rows = group_rows(measurements.features, inputs.groups, inputs.sides)
    alone = describe_texts(sides.suspect, sides.heldout, rows)
    yield from far_cells("measurements.text.values", measurements.text.values, alone.values, most=_LARGEST)
    again = [len(document.text) for document in (*sides.suspect.documents, *sides.heldout.documents)]
    yield from compare(list(measurements.characters), again, at="measurements.characters").differences
    chat = subject.result.manifest.chat
    if chat is not None:
        documents = (*sides.suspect.documents, *sides.heldout.documents)
        scored = sum(len(document.scored) for document in documents)
        if chat.characters_scored != scored:
            yield Difference("manifest.chat.characters_scored", chat.characters_scored, scored)
    for corpus in (sides.suspect, sides.heldout) if {*SIDES} <= set(subject.data) else ():
        yield from _conversations(chat, corpus)
    encoding = encoding_counts(sides.suspect, sides.heldout)
    yield from compare(
        measurements.encoding.model_dump(), encoding.model_dump(), at="measurements.encoding"
    ).differences


def _conversations(stored: ChatSummary | None, corpus: Corpus) -> Iterator[Difference]:
    """What the rows of a side hold, against what the result says of its conversations."""
    if stored is None or corpus.chat is None:
        if stored is not None:
            yield Difference("manifest.chat", stored.shape, None)
        return
    example_of(corpus.chat)
    for name, value in (("shape", corpus.shape), ("date", date_of(corpus.chat))):
        if getattr(stored, name) != value:
            yield Difference(f"manifest.chat.{name}", getattr(stored, name), value)
