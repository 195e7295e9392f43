"""A corpus that can be published changed: one file or a folder, every untouched byte of which stays."""

from __future__ import annotations

import hashlib
import shutil
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from auditor.core.errors import UNTOUCHED, UsageError
from auditor.core.files import read_bytes, staged_folder
from auditor.core.folders import is_about
from auditor.splicing.coded import CodedText
from auditor.splicing.edit import Edit, TextEdit, apply_edits, apply_text_edits
from auditor.splicing.file_format import NoTextColumn, SpliceableFile, SpliceFormat, file_formats, format_of
from auditor.splicing.opening import open_file, tree_sha256
from auditor.splicing.restore import FileRestoration, Restoration, file_restoration
from auditor.splicing.tree import Tree, read_tree, require_apart

HIDDEN, ABOUT, OTHER, NO_COLUMN = "hidden", "about the data", "of other kinds", "tables without texts"


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One document of a corpus.

    Attributes:
        file: Its file, relative to the corpus, `/` between parts.
        index: Its number in that file, from 0.
        id: The file, and `:` and the number from 1 where a file holds several.
        text: Its text.
    """

    file: str
    index: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a corpus.

    Attributes:
        name: Its name relative to the corpus.
        sha256: Hex digest of its bytes.
        first: Number of its first document in the corpus.
        count: How many documents it holds; 0 for a file that is copied as it is.
        format: How its documents are read; None where it holds none.
    """

    name: str
    sha256: str
    first: int = 0
    count: int = 0
    format: SpliceFormat | None = None


class SourceCorpus:
    """The documents of one file or of all files of a folder, of any mix of formats.

    Hidden files, files about the data and files of other kinds are part of the copy and no documents.

    Attributes:
        path: The file or folder as the user gave it.
        documents: All documents, files in order of their names.
        sha256: Hex digest over all files, documents or not.
        copied: How many files are copied as they are, by why.
        histories: Folders of version control, which are not copied.
    """

    def __init__(
        self, path: Path, tree: Tree, files: Sequence[SourceFile], documents: Sequence[SourceDocument], column: str
    ) -> None:
        self.path = path
        self.documents = tuple(documents)
        self.sha256 = tree_sha256((file.name, file.sha256) for file in files)
        self.copied: Mapping[str, int] = dict(sorted(Counter(map(_why_copied, files)).items()))
        self.copied = {why: count for why, count in self.copied.items() if why}
        self.histories = tree.histories
        self._tree, self._files, self._column = tree, tuple(files), column
        # Asked for in any order, across files that take seconds to open.
        self._points: dict[int, array[int]] = {}
        self._by_name = {file.name: file for file in files}
        self._latest: tuple[str, SpliceableFile] | None = None

    @classmethod
    def open(cls, path: Path, *, text_column: str = "text") -> SourceCorpus:
        """Read a corpus.

        Args:
            path: A file of a known format, or a folder.
            text_column: The column of the texts, of formats that have columns.

        Raises:
            UsageError: It cannot be read, holds a link, or a file of it cannot be spliced safely.
        """
        tree = read_tree(path)
        files, documents, without = list[SourceFile](), list[SourceDocument](), list[UsageError]()
        for name in tree.files:
            where = str(path) if path.is_file() else str(path / name)
            raw = read_bytes(tree.root / name)
            form = _document_format(name, where, alone=path.is_file())
            sha256 = hashlib.sha256(raw).hexdigest()
            try:
                texts = open_file(raw, form, text_column, where).texts if form is not None else ()
            except NoTextColumn as error:
                without.append(error)
                texts = ()
            files.append(SourceFile(name, sha256, len(documents), len(texts), form if texts else None))
            single = form is not None and form.single
            documents += [
                SourceDocument(name, index, name if single else f"{name}:{index + 1}", text)
                for index, text in enumerate(texts)
            ]
        if not documents:
            raise without[0] if without else _no_documents(path)
        return cls(path, tree, files, documents, text_column)

    def other_contents(self) -> Iterator[str]:
        """Contents of the files that are copied as they are, read as UTF-8 with marks in place of what is none.

        Raises:
            UsageError: One changed since the corpus was read.
        """
        return (self._read(file).decode("utf-8", "replace") for file in self._files if not file.count)

    def insertion_points(self, number: int) -> tuple[int, ...]:
        """Where a sentence may be put into a document, as `SpliceableFile.insertion_points`.

        Raises:
            UsageError: Its file changed since the corpus was read.
        """
        if number not in self._points:
            self._points[number] = array("q", self._opened(number).insertion_points(self.documents[number].index))
        return tuple(self._points[number])

    def can_edit(self, number: int, start: int, stop: int) -> bool:
        """Whether characters of a document can be replaced, as `SpliceableFile.can_edit`.

        Raises:
            UsageError: Its file changed since the corpus was read.
        """
        return self._opened(number).can_edit(self.documents[number].index, start, stop)

    def can_reword(self, number: int, start: int, stop: int) -> bool:
        """Whether characters of a document can be replaced and are prose, as `SpliceableFile.is_prose`.

        Raises:
            UsageError: Its file changed since the corpus was read.
        """
        opened, index = self._opened(number), self.documents[number].index
        return opened.can_edit(index, start, stop) and opened.is_prose(index, start, stop)

    def unwritable(self, changes: Mapping[int, Sequence[TextEdit]]) -> frozenset[int]:
        """The documents whose changes `publish` would refuse; each file is written in memory and read back.

        Args:
            changes: Disjoint edits of the texts of documents, by their numbers.

        Raises:
            ValueError: As `publish`.
            UsageError: A file changed since the corpus was read.
        """
        self._check(changes, (), None)
        refused = set[int]()
        for file in self._files:
            here = [number for number in range(file.first, file.first + file.count) if changes.get(number)]
            if here:
                refused.update(self._refused(file, self._read(file), changes, here))
        return frozenset(refused)

    def _refused(
        self, file: SourceFile, raw: bytes, changes: Mapping[int, Sequence[TextEdit]], numbers: Sequence[int]
    ) -> Sequence[int]:
        """Those of some documents of a file that cannot be changed, by halves: mostly all can, or a few cannot."""
        try:
            self._published(file, raw, {number: changes[number] for number in numbers}, frozenset(), None)
        except UsageError:
            if len(numbers) == 1:
                return numbers
            middle = len(numbers) // 2
            halves = numbers[:middle], numbers[middle:]
            return [number for half in halves for number in self._refused(file, raw, changes, half)]
        return ()

    def page(self, number: int) -> str:
        """The markup of a document that is a web page; empty for one that is none.

        Raises:
            UsageError: Its file changed since the corpus was read.
        """
        file = self._file(number)
        is_page = file.format is not None and file.format.content == "markup"
        return CodedText.decode(self._read(file)).text if is_page else ""

    def publish(
        self,
        to: Path,
        *,
        changes: Mapping[int, Sequence[TextEdit]] | None = None,
        withheld: Collection[int] = (),
        order: Sequence[int] | None = None,
        record: Callable[[Restoration], None] = lambda restoration: None,
    ) -> Restoration:
        """Write the copy that is published, whole or not at all.

        Args:
            to: The folder to write to: new or empty, apart from the corpus.
            changes: Disjoint edits of the texts of documents, by their numbers.
            withheld: Numbers of documents that are left out.
            order: All numbers of documents in the order in which they are published; of a corpus with one file of
                documents, without changes.
            record: Called once all of the copy is written, and before it appears at `to`.

        Returns:
            How every file comes back. It holds what is withheld and where every change is.

        Raises:
            ValueError: Numbers or edits that do not fit the documents or each other.
            UsageError: `to` is not empty or lies in the corpus, a file changed meanwhile, or a format cannot hold a
                change.
            RunError: The file system refuses.
        """
        edits = {number: tuple(edits) for number, edits in (changes or {}).items() if edits}
        self._check(edits, withheld, order)
        require_apart(self.path, to)
        records, published = list[FileRestoration](), list[tuple[str, str]]()
        with staged_folder(to) as staged:
            for folder in self._tree.folders:
                (staged / folder).mkdir()
            for file in self._files:
                raw = self._read(file)
                content, restored = self._published(file, raw, edits, frozenset(withheld), order)
                if restored is not None:
                    records.append(restored)
                if content is not None:
                    (staged / file.name).write_bytes(content)
                    shutil.copymode(self._tree.root / file.name, staged / file.name)
                    published.append((file.name, hashlib.sha256(content).hexdigest()))
            altered = {entry.file for entry in records}
            restoration = Restoration(
                text_column=self._column,
                corpus_before=self.sha256,
                published=tree_sha256(published),
                files=tuple(records),
                untouched={name: digest for name, digest in published if name not in altered},
            )
            record(restoration)
        return restoration

    def _check(self, changes: Mapping[int, object], withheld: Collection[int], order: Sequence[int] | None) -> None:
        numbers = range(len(self.documents))
        if not set(changes) | set(withheld) <= set(numbers):
            raise ValueError(f"there are {len(numbers)} documents, numbered from 0")
        if set(changes) & set(withheld):
            raise ValueError("a document that is withheld is not changed")
        if order is None:
            return
        if sorted(order) != list(numbers) or changes:
            raise ValueError("an order names every document once, and goes with no changes of texts")
        if sum(bool(file.count) for file in self._files) != 1:
            raise UsageError(
                f"{self.path}: documents in several files have no order of their own",
                hint="Write them into one file, such as .jsonl.",
            )

    def _published(
        self,
        file: SourceFile,
        raw: bytes,
        changes: Mapping[int, Sequence[TextEdit]],
        withheld: frozenset[int],
        order: Sequence[int] | None,
    ) -> tuple[bytes | None, FileRestoration | None]:
        """What is published of a file, None where nothing is, and how it comes back, None where it is as it was."""
        own = range(file.first, file.first + file.count)
        here = {number - file.first: changes[number] for number in own if number in changes}
        stay = [number - file.first for number in (order or own) if number not in withheld]
        if file.format is None or (not here and stay == list(range(file.count))):
            return raw, None
        if file.format.single and not stay:
            return None, file_restoration(file.name, raw, None, (), removed=1)
        opened = open_file(raw, file.format, self._column, file.name)
        reopen = partial(open_file, form=file.format, column=self._column, where=f"{file.name}, changed")
        try:
            edits = _file_edits(raw, opened, reopen, here, stay)
        except UsageError as error:
            raise type(error)(f"{file.name}: {error.message}", hint=error.hint) from None
        content = apply_edits(raw, edits)
        after = tuple(apply_text_edits(opened.texts[index], here.get(index, ())) for index in stay)
        if reopen(content).texts != after:
            raise UsageError(
                f"{file.name}: a change of its texts does not read back as it was meant",
                hint="Leave white space and line ends out of what is put in, or leave this file as it is.",
            )
        texts = [(opened.texts[index], edit) for index, edited in here.items() for edit in edited]
        return content, file_restoration(file.name, raw, content, edits, texts=texts, removed=file.count - len(stay))

    def _read(self, file: SourceFile) -> bytes:
        raw = read_bytes(self._tree.root / file.name)
        if hashlib.sha256(raw).hexdigest() != file.sha256:
            raise UsageError(f"{file.name}: it changed since the corpus was read", hint=UNTOUCHED)
        return raw

    def _file(self, number: int) -> SourceFile:
        return self._by_name[self.documents[number].file]

    def _opened(self, number: int) -> SpliceableFile:
        """The file of a document; the latest is held, as documents are asked for file by file."""
        name = self.documents[number].file
        if self._latest is None or self._latest[0] != name:
            file = self._file(number)
            assert file.format is not None
            self._latest = name, open_file(self._read(file), file.format, self._column, name)
        return self._latest[1]


def _file_edits(
    raw: bytes,
    opened: SpliceableFile,
    reopen: Callable[[bytes], SpliceableFile],
    changes: Mapping[int, Sequence[TextEdit]],
    stay: Sequence[int],
) -> tuple[Edit, ...]:
    """What changes the texts of a file and leaves some of its documents, in order."""
    moves = list(stay) != list(range(len(opened.texts)))
    edits = opened.edits(changes) if changes else ()
    if not moves:
        return edits
    if not any(edit.stop - edit.start == len(raw) for edit in edits):
        return (*edits, *opened.arrange(stay))
    # Written anew for its changes, it is arranged as it is then.
    changed = apply_edits(raw, edits)
    return (Edit(0, len(raw), apply_edits(changed, reopen(changed).arrange(stay))),)


def _document_format(name: str, where: str, *, alone: bool) -> SpliceFormat | None:
    """The format of a file that is to be read; None for one that is copied as it is."""
    if name.lower().endswith(".gz") and format_of(name[:-3]) is not None:
        raise UsageError(f"{where}: compressed documents cannot be spliced", hint="Unpack the file.")
    if alone:
        return format_of(name)
    hidden = any(part.startswith(".") for part in name.split("/"))
    return None if hidden or is_about(name) else format_of(name)


def _why_copied(file: SourceFile) -> str:
    if file.count:
        return ""
    if any(part.startswith(".") for part in file.name.split("/")):
        return HIDDEN
    if is_about(file.name):
        return ABOUT
    return OTHER if format_of(file.name) is None else NO_COLUMN


def _no_documents(path: Path) -> UsageError:
    suffixes = ", ".join(suffix for form in file_formats().values() for suffix in form.suffixes)
    return UsageError(f"{path}: no documents", hint=f"Give a file, or a folder of files, of these kinds: {suffixes}.")
