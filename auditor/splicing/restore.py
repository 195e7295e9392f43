"""The way back from a published copy to the corpus it was made of, byte for byte where the copy is untouched."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from auditor.core.errors import UsageError
from auditor.core.files import read_bytes, staged_folder
from auditor.core.record import Count, Record
from auditor.splicing.edit import Edit, TextEdit, apply_edits, inverse_edits
from auditor.splicing.file_format import SpliceableFile, format_of
from auditor.splicing.opening import open_file, tree_sha256
from auditor.splicing.tree import read_tree, require_apart

_CONTEXT = 24
"""Characters on either side by which a change is recognised in a file that was changed since."""

_TELLING = 24
"""Characters of a change that is recognised by itself, whatever stands around it."""


class StoredEdit(Record):
    """One edit of the bytes of a published file."""

    start: Count
    """Offset of the first byte that is replaced."""
    stop: Count
    """Offset after the last."""
    new: str
    """What stood there originally, base64."""


class ChangedText(Record):
    """One change of a text, to be recognised where its file was changed since it was published."""

    published: str
    """What was put in."""
    original: str
    """What stood there before; empty where nothing did."""
    before: str
    """The characters before it."""
    after: str
    """The characters after it."""


class FileRestoration(Record):
    """How one file comes back."""

    file: str
    """Its name relative to the corpus."""
    original_sha256: str
    """Hex digest of the bytes that come back."""
    published_sha256: str | None
    """Hex digest of the published bytes; None where the file was withheld."""
    edits: tuple[StoredEdit, ...] = ()
    """Edits that undo the changes of the published bytes."""
    whole: str | None = None
    """All original bytes, base64, where the file was withheld or written anew."""
    texts: tuple[ChangedText, ...] = ()
    """The changes of its texts."""
    removed: Count = 0
    """How many of its documents were withheld."""


class Restoration(Record):
    """How a corpus comes back from its published copy. It is secret: it says where every change is."""

    text_column: str
    """The column of the texts, of formats that have columns."""
    corpus_before: str
    """Hex digest over all files of the corpus."""
    published: str
    """Hex digest over all files of the published copy."""
    files: tuple[FileRestoration, ...]
    """Every file that the copy has changed or lacks."""
    untouched: dict[str, str] = Field(default_factory=dict)
    """Hex digest of every other file of the copy, by its name."""


def file_restoration(
    name: str,
    raw: bytes,
    content: bytes | None,
    edits: Sequence[Edit],
    *,
    texts: Iterable[tuple[str, TextEdit]] = (),
    removed: int = 0,
) -> FileRestoration:
    """The record of how a file comes back.

    Args:
        name: Its name relative to the corpus.
        raw: Its original bytes.
        content: Its published bytes; None where it is withheld.
        edits: What made one of the other.
        texts: The changes, each with the text it changed.
        removed: How many of its documents are withheld.
    """
    written_anew = content is None or any(edit.start == 0 and edit.stop == len(raw) for edit in edits)
    inverse = () if written_anew else inverse_edits(raw, edits)
    return FileRestoration(
        file=name,
        original_sha256=hashlib.sha256(raw).hexdigest(),
        published_sha256=None if content is None else hashlib.sha256(content).hexdigest(),
        edits=tuple(StoredEdit(start=each.start, stop=each.stop, new=_stored(each.new)) for each in inverse),
        whole=_stored(raw) if written_anew else None,
        texts=tuple(_changed_text(text, edit) for text, edit in texts),
        removed=removed,
    )


def _stored(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _changed_text(text: str, edit: TextEdit) -> ChangedText:
    return ChangedText(
        published=edit.new,
        original=text[edit.start : edit.stop],
        before=text[max(0, edit.start - _CONTEXT) : edit.start],
        after=text[edit.stop : edit.stop + _CONTEXT],
    )


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A published file that was changed since, so that it does not come back byte for byte.

    Attributes:
        file: Its name.
        undone: Changes of texts that stood in it exactly once and were undone.
        left: Changes that stand in it not at all or more than once, and were left as they are.
        lacks: Documents that were withheld from it and are not put back.
        reason: Why nothing of it could be undone, empty where something could.
    """

    file: str
    undone: int
    left: int
    lacks: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore` did.

    Attributes:
        exact: Whether all files of the corpus are back, byte for byte.
        unaltered: Files that were published as they are and stand so.
        returned: Files that came back byte for byte, those that were withheld included.
        changed: Files that were changed since they were published.
        missing: Files that were published and are not there any more.
        added: Files that are no part of the corpus, and are copied as they are.
        sha256: Hex digest over the files of the corpus.
    """

    exact: bool
    unaltered: int
    returned: int
    changed: tuple[ChangedFile, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    sha256: str


def restore(published: Path, restoration: Restoration, to: Path) -> Restored:
    """Write the corpus that a published copy was made of, whole or not at all.

    Args:
        published: The published copy: its folder, or its only file.
        restoration: What `SourceCorpus.publish` gave.
        to: The folder to write to: new or empty, apart from the copy.

    Raises:
        UsageError: The copy cannot be read, or `to` is not empty or lies in the copy.
        RunError: The file system refuses.
    """
    require_apart(published, to)
    tree = read_tree(published)
    records = {record.file: record for record in restoration.files}
    returned, unaltered, changed, digests = 0, 0, list[ChangedFile](), dict[str, str]()
    with staged_folder(to) as staged:
        for folder in tree.folders:
            (staged / folder).mkdir()
        for name in tree.files:
            raw, record = read_bytes(tree.root / name), records.get(name)
            if record is None:
                content, change = raw, _altered(name, raw, restoration.untouched)
                unaltered += change is None and name in restoration.untouched
            else:
                content, change = _undone(raw, record, restoration.text_column)
                returned += change is None
            changed += [] if change is None else [change]
            digests[name] = _write(staged / name, content)
            shutil.copymode(tree.root / name, staged / name)
        for name, record in records.items():
            if name not in digests and record.published_sha256 is None:
                digests[name] = _write(staged / name, _whole(record))
                returned += 1
    own = {**restoration.untouched, **records}
    sha256 = tree_sha256((name, digest) for name, digest in sorted(digests.items()) if name in own)
    return Restored(
        exact=sha256 == restoration.corpus_before,
        unaltered=unaltered,
        returned=returned,
        changed=tuple(changed),
        missing=tuple(sorted(own.keys() - digests.keys())),
        added=tuple(sorted(digests.keys() - own.keys())),
        sha256=sha256,
    )


def _altered(name: str, raw: bytes, untouched: Mapping[str, str]) -> ChangedFile | None:
    """What is said of a file that was published as it was; None where it still is so, or is no part of the corpus."""
    if untouched.get(name) in (None, hashlib.sha256(raw).hexdigest()):
        return None
    return ChangedFile(name, 0, 0, 0, "it was published as it was, so nothing of it is recorded")


def _write(path: Path, content: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _whole(record: FileRestoration) -> bytes:
    return base64.b64decode(record.whole or "")


def _undone(raw: bytes, record: FileRestoration, column: str) -> tuple[bytes, ChangedFile | None]:
    """The original bytes of a published file; where it was changed since, it without what is found in it."""
    digest = hashlib.sha256(raw).hexdigest()
    if digest == record.original_sha256:
        return raw, None
    if digest == record.published_sha256:
        inverse = [Edit(each.start, each.stop, base64.b64decode(each.new)) for each in record.edits]
        return (apply_edits(raw, inverse) if record.whole is None else _whole(record)), None
    form, left = format_of(record.file), len(record.texts)
    try:
        if form is None:
            raise UsageError(f"{record.file}: its format is not known here")
        opened = open_file(raw, form, column, record.file)
        edits, undone = _found(opened, record.texts)
        return apply_edits(raw, edits), ChangedFile(record.file, undone, left - undone, record.removed)
    except UsageError as error:
        return raw, ChangedFile(record.file, 0, left, record.removed, error.message)


def _found(opened: SpliceableFile, texts: Sequence[ChangedText]) -> tuple[tuple[Edit, ...], int]:
    """The edits that undo those changes that stand in a file exactly once, and how many they are."""
    edits = dict[int, list[TextEdit]]()
    undone = 0
    for text in texts:
        site = _only_site(opened.texts, text)
        if site is None:
            continue
        index, start = site
        stop = start + len(text.published)
        taken = edits.get(index, [])
        if opened.can_edit(index, start, stop) and all(stop <= other.start or other.stop <= start for other in taken):
            edits.setdefault(index, []).append(TextEdit(start, stop, text.original))
            undone += 1
    return opened.edits(edits), undone


def _only_site(documents: Sequence[str], text: ChangedText) -> tuple[int, int] | None:
    """The document and position at which a change stands, by itself where it is long, else by what is around it."""
    around = (text.before + text.published + text.after, len(text.before))
    alone = (text.published, 0)
    for pattern, offset in (alone, around) if len(text.published) >= _TELLING else (around,):
        counts = [document.count(pattern) if pattern else 0 for document in documents]
        if sum(counts) == 1:
            index = counts.index(1)
            return index, documents[index].index(pattern) + offset
    return None
