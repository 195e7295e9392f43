"""Files that are one source together: those of a folder, of an archive, or of a pattern of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from auditor.core.contents import StandIn, refuse_stand_in
from auditor.core.errors import UsageError
from auditor.core.folders import is_about
from auditor.core.text import amount, quoted
from auditor.corpora.read import all_readers
from auditor.corpora.reader import ABOUT, HIDDEN, OTHER_SPLIT, FileFormat, RawRow, ReadOptions, Skipped, choose_split
from auditor.corpora.splits import choose_files, find_card, folder_splits
from auditor.corpora.streams import MAX_DOCUMENT_BYTES, DataFile, decode, read_whole, what_stands_in
from auditor.corpora.tables import holds_documents

_MARKUP = (".htm", ".html", ".shtml", ".svg", ".xhtml", ".xml")


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one source.

    Attributes:
        source: The source as the user gave it, without a split.
        kind: What it is, in a message: `a folder`.
        files: Its visible files, sorted by name.
        hidden: Names of those that are hidden.
        several: Whether the files of one split are to be named where there are several.
    """

    source: str
    kind: str
    files: tuple[DataFile, ...]
    hidden: tuple[str, ...] = ()
    several: bool = True


def read_files(files: FileSet, options: ReadOptions, split: str | None = None) -> Iterator[RawRow | Skipped]:
    """Read the documents of a set of files: its text files, or its tables of one format.

    Files about the data (a card, a licence) beside tables are no documents, nor are tables without a text column beside
    texts. What is not read is yielded as `Skipped`.

    Args:
        files: The files.
        options: The settings of the reader.
        split: The split that is named; None where none is.

    Raises:
        UsageError: It holds no documents, several kinds of them, or several splits of which none is named.
    """
    texts = [file for file in files.files if any(map(file.has_suffix, options.suffix))]
    documents = [file for file in texts if not is_about(file.name)]
    tables = _tables(files.files, texts, options, others=bool(documents))
    if len(tables) > 1 or (documents and tables):
        raise _mixed(files, documents, list(tables.values()))
    if tables:
        ((kind, found),) = tables.items()
        chosen = choose_files(files.source, files.files, found, split, named=not files.several)
        yield from _skipped(files, chosen, found, ABOUT)
        for file in chosen:
            yield from kind.read(file, options)
        return
    if not texts or (not documents and len(texts) < len(files.files)):
        raise _nothing(files, texts, options)
    card = find_card(texts) if files.several and documents else None
    texts = [file for file in texts if file is not card]
    chosen = _choose_texts(files, texts, split)
    for part in _skipped(files, chosen, texts):
        yield Skipped(part.name, ABOUT) if card is not None and part.name == card.name else part
    yield from _texts(files.source, chosen)


def _choose_texts(files: FileSet, texts: list[DataFile], split: str | None) -> list[DataFile]:
    """The text files of the split that is named, or all where their folders are no splits."""
    splits = folder_splits(texts) if files.several else {}
    if split is None:
        if len(splits) < 2:
            return texts
        everything = f", or all by a pattern in quotes, as in '{files.source.rstrip('/')}/**/*{kind_of(texts[0].name)}'"
        raise UsageError(
            f"{files.source} has {len(splits)} splits, each a folder of it: {', '.join(sorted(splits))}",
            hint=f"Name one, as in {files.source}:{min(splits)}{everything if files.kind == 'a folder' else ''}.",
        )
    if not splits:
        raise UsageError(
            f"{files.source}: {files.kind} of text files has no split {split!r}",
            hint=f"Give {files.source} itself, or the folder below it that is meant.",
        )
    return splits[choose_split(splits, split, files.source)]


def _tables(
    files: Sequence[DataFile], texts: Sequence[DataFile], options: ReadOptions, *, others: bool
) -> dict[FileFormat, list[DataFile]]:
    """Tables by format, those without texts left out where it is not clear by their names what is meant.

    Args:
        files: All files.
        texts: The text files among them.
        options: The settings of the reader.
        others: Whether there are documents of another kind.
    """
    formats = [reader.file for reader in all_readers() if reader.file is not None]
    taken = {file.name for file in texts}
    tables = {kind: [file for file in files if file.name not in taken and kind.reads(file)] for kind in formats}
    tables = {kind: found for kind, found in tables.items() if found}
    unknown = len(files) > len(texts) + sum(map(len, tables.values()))
    for kind, found in list(tables.items()):
        if others or len(tables) > 1 or (unknown and kind.often_other):
            tables[kind] = [file for file in found if holds_documents(file, kind, options)]
    return {kind: found for kind, found in tables.items() if found}


def kind_of(name: str) -> str:
    """What a file is, by its suffix, that before `.gz` included."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    if not suffixes:
        return "no extension"
    return "".join(suffixes[-2:]) if suffixes[-1] == ".gz" else suffixes[-1]


def _skipped(files: FileSet, read: Sequence[DataFile], kin: Sequence[DataFile], about: str = "") -> Iterator[Skipped]:
    """What is not read of a set: files of other splits among the `kin`, those about the data, and others."""
    taken, same = {file.name for file in read}, {file.name for file in kin}
    for file in files.files:
        if file.name in taken:
            continue
        other = (about if is_about(file.name) else "") or kind_of(file.name)
        yield Skipped(file.name, OTHER_SPLIT if file.name in same else other)
    for name in files.hidden:
        yield Skipped(name, HIDDEN)


def _texts(source: str, texts: Sequence[DataFile]) -> Iterator[RawRow]:
    for number, file in enumerate(texts):
        content = "markup" if any(map(file.has_suffix, _MARKUP)) else "text"
        standing = what_stands_in(file, "markup" if content == "markup" else "text")
        if standing is None and number == 0 and content == "text":
            standing = _all_notices(texts)
        if standing is not None:
            raise _pointers(source, texts, standing, file)
        below = PurePosixPath(file.name).parent.as_posix()
        yield RawRow(file.name, file.where, _text(file, content), parent="" if below == "." else below)


def _text(file: DataFile, content: str) -> str:
    if file.path is not None and not file.gzipped and file.path.stat().st_size > MAX_DOCUMENT_BYTES:
        raise _too_long(file)
    raw = read_whole(file, MAX_DOCUMENT_BYTES, "markup" if content == "markup" else "text")
    return decode(raw, file.where)


def _too_long(file: DataFile) -> UsageError:
    return UsageError(
        f"{file.where}: a document longer than {MAX_DOCUMENT_BYTES // 2**20} MiB",
        hint="Split it into its documents, or write them one a line as .jsonl.",
    )


def _all_notices(texts: Sequence[DataFile]) -> StandIn | None:
    """The notice that every text is, though each alone might be a short document."""
    first = what_stands_in(texts[0], "structured")
    if first is None or first.page or len(texts) < 2:
        return None
    return first if all(what_stands_in(text, "structured") == first for text in texts[1:]) else None


def _pointers(source: str, texts: Sequence[DataFile], standing: StandIn, first: DataFile) -> UsageError:
    """What stands in the place of texts, with the number of them."""
    if len(texts) == 1:
        refuse_stand_in(standing, first.where)
    count = sum(what_stands_in(text, "text") == standing for text in texts)
    count = count or len(texts)
    verb = f"is {standing.kind}" if count == 1 else f"are {standing.kinds}"
    return UsageError(
        f"{source}: {count:,} of its {amount(len(texts), 'text file')} {verb}"
        f"{', not the files themselves' if standing.pointer else ''}; the first is {first.name}",
        hint=standing.hint,
    )


def _counts(files: Sequence[DataFile]) -> str:
    kinds = Counter(kind_of(file.name) for file in files)
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items())) or "nothing"


def _mixed(files: FileSet, texts: Sequence[DataFile], tables: Sequence[Sequence[DataFile]]) -> UsageError:
    kinds = [_counts(part) for part in (texts, *tables) if part]
    example = (texts or tables[0])[0]
    suffix = kind_of(example.name)
    deep = "**/" if "/" in example.name else ""
    return UsageError(
        f"{files.source}: {files.kind} with documents of several kinds: {' and '.join(kinds)}",
        hint=f"Say which are meant, as in '{files.source.rstrip('/')}/{deep}*{suffix}' (in quotes), or name one file."
        if files.kind == "a folder"
        else "Say which are meant: unpack it and name a folder or a pattern of files.",
    )


def _nothing(files: FileSet, about: Sequence[DataFile], options: ReadOptions) -> UsageError:
    lacks = (
        f"without documents, only {quoted(about[0].name)}" if about else f"without {' or '.join(options.suffix)} files"
    )
    for file in files.files:
        standing = what_stands_in(file, "binary") if file.has_suffix(".dvc") else None
        if standing is not None:
            return UsageError(f"{files.source}: {files.kind} of {standing.kinds}: {file.name}", hint=standing.hint)
    return UsageError(
        f"{files.source}: {files.kind} {lacks}; it holds {_counts(files.files)} (hidden files aside)",
        hint="Give text files, or tables of one kind (.jsonl, .json, .csv, .tsv, .parquet); --suffix names other text "
        "files, such as .py.",
    )
