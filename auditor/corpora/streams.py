"""Files of documents: opened wherever they lie, decoded strictly, with the position of every error."""

from __future__ import annotations

import gzip
import itertools
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, cast

from auditor.core.contents import (
    HEAD_BYTES,
    Content,
    StandIn,
    binary_format,
    refuse_stand_in,
    stand_in,
    unfetched_link,
)
from auditor.core.errors import UsageError

MAX_DOCUMENT_BYTES = 64 * 2**20
"""Largest document, or line of a line-based file: 64 MiB of UTF-8. No real document comes near it."""

MAX_WHOLE_FILE_BYTES = 2**30
"""Largest unzipped file of a format that is read into memory whole (a .json array, a gzipped .parquet): 1 GiB."""

_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of documents, on the disk or in an archive.

    Attributes:
        name: Its name within the corpus, without absolute paths; the first part of the ids of its documents.
        where: Its name in messages: the path as the user gave it.
        open_raw: Opens its bytes as they are stored.
        path: Where it lies on the disk; None in an archive.
    """

    name: str
    where: str
    open_raw: Callable[[], IO[bytes]] = field(repr=False)
    path: Path | None = None

    @classmethod
    def at(cls, path: Path, *, name: str = "", where: str = "") -> DataFile:
        """A file on the disk, by default named by the last part of its path and in messages by the whole."""
        return cls(name or path.name, where or str(path), partial(_open_regular, path, where or str(path)), path)

    @property
    def gzipped(self) -> bool:
        """Whether its name ends in `.gz`."""
        return self.name.lower().endswith(".gz")

    def has_suffix(self, suffix: str) -> bool:
        """Whether its name ends in the suffix or in the suffix and `.gz`, in any case."""
        return self.name.lower().endswith((suffix, f"{suffix}.gz"))


def _open_regular(path: Path, where: str) -> IO[bytes]:
    """Open a file, unless it is a pipe or a device, which would block or never end."""
    refuse_stand_in(unfetched_link(path), where)
    if not stat.S_ISREG(path.stat().st_mode):
        raise UsageError(f"{where}: not a regular file", hint="Remove it from the folder.")
    return path.open("rb")


def has_suffix(source: str, suffix: str) -> bool:
    """Whether the source is an existing file whose name ends in the suffix or in the suffix and `.gz`, in any case."""
    return source.lower().endswith((suffix, suffix + ".gz")) and Path(source).is_file()


def what_stands_in(file: DataFile, content: Content) -> StandIn | None:
    """What stands in the place of the content of a file; None where nothing does.

    Args:
        file: The file.
        content: What is to be read of it, once decompressed.

    Raises:
        UsageError: Its compressed data are damaged.
    """
    with _opened(file, content) as (_, standing):
        return standing


@contextmanager
def open_bytes(file: DataFile, content: Content = "structured") -> Iterator[IO[bytes]]:
    """Open a file for reading, through gzip where its name ends in `.gz`.

    Args:
        file: The file.
        content: What is to be read of it, once decompressed.

    Raises:
        UsageError: Something stands in the place of the content; or compressed data are damaged or end early (raised
            while the caller reads).
    """
    with _opened(file, content) as (stream, standing):
        refuse_stand_in(standing, file.where)
        yield stream


@contextmanager
def _opened(file: DataFile, content: Content) -> Iterator[tuple[IO[bytes], StandIn | None]]:
    """A file at its beginning, and what stands in the place of its content."""
    try:
        with file.open_raw() as plain:
            standing = _of_head(plain, "binary" if file.gzipped else content)
            if standing is not None or not file.gzipped:
                yield plain, standing
                return
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=plain))
            yield stream, _of_head(stream, content)
    except _DAMAGED as error:
        if file.path is None and not file.gzipped:
            raise _damaged_member(file, error) from None
        raise UsageError(
            f"{file.where}: damaged or truncated gzip data ({error})", hint="Copy or compress the file again."
        ) from None
    except (zipfile.BadZipFile, lzma.LZMAError, struct.error) as error:
        raise _damaged_member(file, error) from None
    except OSError as error:
        # What bzip2 raises for damaged data is no error of the file system.
        if file.path is not None or error.errno is not None:
            raise
        raise _damaged_member(file, error) from None


def _damaged_member(file: DataFile, error: Exception) -> UsageError:
    return UsageError(f"{file.where}: damaged in its archive ({error})", hint="Copy the archive again.")


def _of_head(stream: IO[bytes], content: Content) -> StandIn | None:
    """What a file stands for; an empty one is content, as what is read of it says that it has no documents."""
    head = stream.read(HEAD_BYTES + 1)
    stream.seek(0)
    return stand_in(head[:HEAD_BYTES], content, whole=len(head) <= HEAD_BYTES) if head else None


def read_whole(file: DataFile, limit: int, content: Content = "structured") -> bytes:
    """Read a file whole.

    Raises:
        UsageError: It holds more than `limit` bytes once decompressed; or as `open_bytes`.
    """
    with open_bytes(file, content) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise UsageError(
            f"{file.where}: larger than the {limit // 2**20} MiB that this format may hold",
            hint="Split it; a table or a list of documents can be of any size as .jsonl or .parquet.",
        )
    return data


def read_lines(file: DataFile) -> Iterator[tuple[int, str]]:
    """Yield each line of a text file with its number from 1, line ends kept, without the byte order mark.

    Raises:
        UsageError: A line is longer than MAX_DOCUMENT_BYTES, is not UTF-8, or holds a NUL byte; the file is binary; or
            as `open_bytes`.
    """
    offset, where = 0, file.where
    with open_bytes(file) as stream:
        for number in itertools.count(1):
            raw = stream.readline(MAX_DOCUMENT_BYTES + 1)
            if not raw:
                return
            if len(raw) > MAX_DOCUMENT_BYTES:
                raise UsageError(
                    f"{where}:{number}: line longer than {MAX_DOCUMENT_BYTES // 2**20} MiB",
                    hint="One line holds one document: split the text into documents, one a line.",
                )
            yield number, decode(raw, f"{where}:{number}", offset=offset)
            offset += len(raw)


def decode(raw: bytes, where: str, *, offset: int = 0) -> str:
    """Decode strict UTF-8.

    Args:
        raw: The bytes.
        where: File, and line where there is one, for messages.
        offset: Where in the (decompressed) file `raw` begins; at 0 a byte order mark is dropped and a binary format
            is recognised.

    Raises:
        UsageError: The bytes are binary or not UTF-8; the message gives the offset of the first bad byte, from 0.
    """
    if offset == 0:
        what = binary_format(raw)
        if what:
            raise UsageError(f"{where}: this is {what}, not UTF-8 text", hint="Convert it to plain UTF-8 text.")
    nul = raw.find(b"\0")
    if nul >= 0:
        raise UsageError(
            f"{where}: NUL byte at byte offset {offset + nul}: this is a binary file, not text",
            hint="Remove the file or convert it to plain UTF-8 text.",
        )
    skip = len(_BOM) if offset == 0 and raw.startswith(_BOM) else 0
    try:
        return raw[skip:].decode("utf-8")
    except UnicodeDecodeError as error:
        first = skip + error.start
        raise UsageError(
            f"{where}: not valid UTF-8: byte 0x{raw[first]:02x} at byte offset {offset + first} ({error.reason})",
            hint="Save the file as UTF-8, for example with `iconv -f LATIN1 -t UTF-8`.",
        ) from None
