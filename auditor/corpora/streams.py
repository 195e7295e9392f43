"""Strict decoding of plain or gzipped UTF-8, with the position of every error."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from auditor.core.contents import HEAD_BYTES, Content, binary_format, refuse_stand_in, require_content, stand_in
from auditor.core.errors import UsageError

MAX_DOCUMENT_BYTES = 64 * 2**20
"""Largest document, or line of a line-based file: 64 MiB of UTF-8. No real document comes near it."""

MAX_WHOLE_FILE_BYTES = 2**30
"""Largest unzipped file of a format that is read into memory whole (a .json array, a gzipped .parquet): 1 GiB."""

_BOM = b"\xef\xbb\xbf"


def has_suffix(source: str, suffix: str) -> bool:
    """Whether the source is an existing file whose name ends in the suffix or in the suffix and `.gz`, in any case."""
    return source.lower().endswith((suffix, suffix + ".gz")) and Path(source).is_file()


def is_gzip(path: Path) -> bool:
    """Whether the file's name ends in `.gz`."""
    return path.name.lower().endswith(".gz")


@contextmanager
def open_bytes(path: Path, where: str, content: Content = "structured") -> Iterator[IO[bytes]]:
    """Open a file for reading, through gzip where its name ends in `.gz`.

    Raises:
        UsageError: Something stands for the content; or the gzip data are damaged or end early (raised while the
            caller reads).
    """
    require_content(path, "binary" if is_gzip(path) else content, where=where, may_be_empty=True)
    try:
        with path.open("rb") as plain:
            if not is_gzip(path):
                yield plain
                return
            stream = cast(IO[bytes], gzip.GzipFile(fileobj=plain))
            head = stream.read(HEAD_BYTES + 1)
            if head:
                refuse_stand_in(stand_in(head[:HEAD_BYTES], content, whole=len(head) <= HEAD_BYTES), where)
            stream.seek(0)
            yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(
            f"{where}: damaged or truncated gzip data ({error})", hint="Copy or compress the file again."
        ) from None


def read_whole(path: Path, where: str, limit: int) -> bytes:
    """Read a file whole.

    Raises:
        UsageError: It holds more than `limit` bytes once decompressed, or its gzip data are damaged.
    """
    with open_bytes(path, where) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise UsageError(
            f"{where}: larger than the {limit // 2**20} MiB that this format may hold",
            hint="Split it; a table or a list of documents can be of any size as .jsonl or .parquet.",
        )
    return data


def read_lines(path: Path, where: str) -> Iterator[tuple[int, str]]:
    """Yield each line of a text file with its number from 1, line ends kept, without the byte order mark.

    Raises:
        UsageError: A line is longer than MAX_DOCUMENT_BYTES, is not UTF-8, or holds a NUL byte; the file is binary or
            its gzip data are damaged.
    """
    offset = 0
    with open_bytes(path, where) as stream:
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
