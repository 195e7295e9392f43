"""Reading a corpus: one function for every format."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from auditor.core.contents import refuse_stand_in, require_content, unfetched_link
from auditor.core.errors import UsageError, cannot_read, naming_unreadable
from auditor.core.registry import discover
from auditor.core.text import suggest
from auditor.corpora import readers
from auditor.corpora.cells import row_conversation, row_group, row_metadata, row_text
from auditor.corpora.chat.formats import ChatFormat
from auditor.corpora.chat.rendering import RenderedChat, render_conversation
from auditor.corpora.chat.shapes import columns_read, unused_conversation
from auditor.corpora.document import TEXT, Corpus, Document, corpus_sha256
from auditor.corpora.normal import normalised
from auditor.corpora.reader import HIDDEN, TEXT_SUFFIXES, GroupBy, RawRow, Reader, ReadOptions, Skipped
from auditor.settings import AuditSettings
from auditor.signals.views import Span

_log = logging.getLogger(__name__)


def all_readers() -> tuple[Reader, ...]:
    """Every reader, in the order in which they are tried."""
    return tuple(sorted(discover(readers, Reader), key=lambda reader: (reader.order, reader.name)))


def read_corpus(
    source: str | os.PathLike[str],
    *,
    text_column: str = "text",
    group_column: str | None = None,
    group_by: GroupBy = "document",
    limit: int | None = None,
    suffix: tuple[str, ...] = (),
    normalise: bool = False,
    chat: Callable[[], ChatFormat] | None = None,
) -> Corpus:
    """Read documents from a file, a folder, an archive, a pattern of names or the Hugging Face Hub.

    Text is read byte for byte (only a byte order mark at the start of a file is dropped) unless it is normalised.
    Documents of white space alone, and documents that repeat the text of an earlier one, are dropped and counted.
    Conversations and pairs are rendered as text by a chat template; those without an answer count as empty.

    Args:
        source: A path or `hf:NAME[:SPLIT]`; `all_readers()` lists the formats.
        text_column: The column that holds the text; formats without columns ignore it.
        group_column: The column with the group of a row; without it each document is its own group.
        group_by: `parent` makes the folder a file lies in its group (folders of files only).
        limit: Read only the first `limit` documents. The first and not a random choice, so that the user knows which
            they are and a remote dataset need not be read to its end; where the order has a meaning (by date, by
            author), shuffle the data before.
        suffix: Suffixes of text files, in place of .txt and .md.
        normalise: Whether each text is read in the form of `auditor.corpora.normal.normalised`.
        chat: Gives the way in which conversations become text, asked at the first one; without it they are refused.

    Raises:
        UsageError: The source does not exist or is of no known format, its content does not fit the format, the column
            is missing, or no document is left. Messages name the file and the line, row or byte.
    """
    name = os.fspath(source)
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: not a positive number", hint="Give the number of documents to keep.")
    require_one_grouping(group_column, group_by)
    documents: list[Document] = []
    seen: set[bytes] = set()
    skipped: list[Skipped] = []
    empty = repeated = 0
    options = ReadOptions(text_column, tuple(suffix) or TEXT_SUFFIXES)
    texts = _Texts(text_column, chat, normalise=normalise)
    for row in _rows(reader_of(name), name, options):
        if isinstance(row, Skipped):
            skipped.append(row)
            continue
        rendered = texts.of(row)
        if rendered is None:
            empty += 1
            continue
        digest = hashlib.sha256(rendered.text.encode("utf-8")).digest()
        if digest in seen:
            repeated += 1
            continue
        seen.add(digest)
        group = _group(row, group_column, group_by)
        metadata = row_metadata(row, without=(*texts.columns, group_column))
        documents.append(Document(row.id, rendered.text, group, metadata, rendered.spans, texts.turns_of(rendered)))
        if len(documents) == limit:
            break
    if not documents:
        raise UsageError(
            f"{name}: no document with any text in it" + (f" ({empty} empty)" if empty else ""),
            hint="Check the path, and --text-column for a file with columns; a conversation needs an answer."
            if texts.chat
            else "Check the path, and --text-column for a file with columns.",
        )
    _log.info("read %d documents from %s (%d empty, %d repeated left out)", len(documents), name, empty, repeated)
    visible = [file for file in skipped if file.kind != HIDDEN]
    return Corpus(
        name,
        tuple(documents),
        empty,
        repeated,
        corpus_sha256(documents),
        skipped=tuple(file.name for file in visible),
        skipped_kinds=dict(sorted(Counter(file.kind for file in visible).items())),
        hidden=len(skipped) - len(visible),
        shape=texts.shape or TEXT,
        chat=texts.chat,
    )


class _Texts:
    """The texts of the rows of one corpus, all of one shape.

    Args:
        column: The text column of the settings.
        chat: Gives the way in which conversations become text.
        normalise: Whether texts are read in the form of `auditor.corpora.normal.normalised`; of a conversation each
            turn, before it is rendered.

    Attributes:
        columns: Columns of the row before that are its text.
        shape: What the rows hold; None before the first.
        chat: How conversations become text; None before the first one.
    """

    def __init__(self, column: str, chat: Callable[[], ChatFormat] | None, *, normalise: bool) -> None:
        self.columns: tuple[str, ...] = (column,)
        self.shape: str | None = None
        self.chat: ChatFormat | None = None
        self._column, self._make_chat, self._normalise = column, chat, normalise

    def of(self, row: RawRow) -> RenderedChat | None:
        """The text of a row; None where there is none.

        Raises:
            UsageError: The row holds something else than those before, or its conversation cannot be rendered.
        """
        conversation = row_conversation(row, self._column)
        shape = TEXT if conversation is None else conversation.shape
        if self.shape is None:
            self._say(row)
        elif shape != self.shape:
            raise UsageError(
                f"{row.where}: {describe_shape(shape)}, where the rows before hold {describe_shape(self.shape)}",
                hint="A side holds documents of one shape: write the others to a file of their own.",
            )
        self.shape = shape
        if conversation is None:
            text = row_text(row, self._column)
            text = normalised(text) if self._normalise else text
            return RenderedChat(text, None, ()) if text.strip() else None
        self.columns = columns_read(row, self._column)
        if self.chat is None:
            if self._make_chat is None:
                raise UsageError(
                    f"{row.where}: {describe_shape(shape)}, which need the chat template of a model",
                    hint="Audit them with a model.",
                )
            self.chat = self._make_chat()
        if self._normalise:
            turns = tuple(replace(turn, content=normalised(turn.content)) for turn in conversation.turns)
            conversation = replace(conversation, turns=turns)
        return render_conversation(conversation, self.chat)

    def turns_of(self, rendered: RenderedChat) -> tuple[Span, ...] | None:
        """Where the turns of a document are; None of plain text."""
        return None if self.chat is None else rendered.turns

    def _say(self, row: RawRow) -> None:
        unused = unused_conversation(row, self._column)
        if unused:
            _log.warning(
                "%s: column %r is read, and not the conversation in %s; --text-column %s reads that",
                row.where,
                self._column,
                " and ".join(map(repr, unused)),
                ",".join(unused),
            )


def describe_shape(shape: str) -> str:
    """What rows of a shape hold, in words."""
    return "text" if shape == TEXT else f"conversations ({shape})"


def read_for_audit(source: str, settings: AuditSettings, chat: Callable[[], ChatFormat] | None = None) -> Corpus:
    """Read a corpus with the settings of an audit; `chat` and errors as of `read_corpus`."""
    return read_corpus(
        source,
        text_column=settings.text_column,
        group_column=settings.group_column,
        group_by=settings.group_by,
        limit=settings.limit,
        suffix=settings.suffix,
        normalise=settings.normalise,
        chat=chat,
    )


def require_one_grouping(group_column: str | None, group_by: GroupBy) -> None:
    """Refuse grouping by a column and by the folder at once.

    Raises:
        UsageError: Both are requested.
    """
    if group_column is not None and group_by == "parent":
        raise UsageError(
            "--group-column and --group-by parent name two different groups", hint="Leave one of the two out."
        )


@naming_unreadable()
def reader_of(source: str) -> Reader:
    """The reader of a source, found by its name alone.

    Raises:
        UsageError: It does not exist or is of no known format; the hint names similar files.
    """
    known = all_readers()
    formats = "; ".join(reader.formats for reader in known)
    # An empty path would stand for the current folder.
    if not source.strip():
        raise UsageError("no path given", hint=f"What can be read: {formats}.")
    for reader in known:
        if reader.accepts(source):
            return reader
    path = Path(source)
    _refuse_unfetched(path)
    if path.exists():
        raise UsageError(f"{source}: not a format that can be read", hint=f"What can be read: {formats}.")
    folder = next(parent for parent in path.absolute().parents if parent.is_dir())
    missing = path.absolute().relative_to(folder).parts[0]
    siblings = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    raise UsageError(
        f"{source}: no such file or folder (no {missing!r} in {folder})",
        hint=suggest(missing, siblings) or f"What can be read: {formats}.",
    )


def _refuse_unfetched(path: Path) -> None:
    """Refuse what stands for a file that was not fetched: a link that leads nowhere, a pointer of DVC."""
    refuse_stand_in(unfetched_link(path), str(path))
    pointers = [pointer for pointer in (path, path.with_name(f"{path.name}.dvc")) if pointer.suffix == ".dvc"]
    for pointer in pointers if path.name else ():
        if pointer.is_file():
            require_content(pointer, "binary")


def is_path(source: str) -> bool:
    """Whether a source is a path, and not a name on a service such as the Hub."""
    return not any(reader.accepts(source) for reader in all_readers() if not reader.is_path)


def _rows(reader: Reader, source: str, options: ReadOptions) -> Iterator[RawRow | Skipped]:
    try:
        yield from reader.read(source, options)
    except OSError as error:
        raise cannot_read(error.filename or source, error) from None


def _group(row: RawRow, column: str | None, by: GroupBy) -> str:
    if column is not None:
        return row_group(row, column)
    if by == "document":
        return row.id
    if row.parent is None:
        raise UsageError(
            f"{row.where}: --group-by parent needs a folder of files",
            hint="For a file with columns use --group-column.",
        )
    if not row.parent:
        raise UsageError(
            f"{row.where}: lies in no folder below the corpus, so --group-by parent gives it no group",
            hint="Move it into the folder of its group, or leave --group-by parent out.",
        )
    return row.parent
