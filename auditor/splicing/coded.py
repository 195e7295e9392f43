"""Bytes as text and back: strict decoding, and edits of characters as edits of bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from auditor.core.contents import binary_format
from auditor.core.errors import UsageError
from auditor.splicing.edit import Edit, TextEdit, ordered

_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_SHOWN = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_SAVE = "Save the file as UTF-8, for example with `iconv -f LATIN1 -t UTF-8`."


@dataclass(frozen=True, slots=True)
class CodedText:
    """The text of a file, and how its bytes hold it.

    Attributes:
        text: All characters but the byte order mark, line ends as they are.
        encoding: Name of the codec.
        mark_bytes: Bytes of the byte order mark; 0 where there is none.
    """

    text: str
    encoding: str
    mark_bytes: int

    @classmethod
    def decode(cls, raw: bytes) -> CodedText:
        """Decode a file as UTF-8, with or without a byte order mark, or as UTF-16 with one.

        Raises:
            UsageError: It is neither, or holds a NUL; the message gives line and byte, without the name of the file.
        """
        if raw.startswith(_UTF32):
            raise UsageError("this is text in UTF-32, which is not read", hint="Save the file as UTF-8.")
        mark = next((mark for mark in _MARKS if raw.startswith(mark)), b"")
        binary = "" if mark else binary_format(raw)
        if binary:
            raise UsageError(f"this is {binary}, not text", hint="Give the text itself.")
        encoding = _MARKS.get(mark, "utf-8")
        try:
            text = raw[len(mark) :].decode(encoding)
        except UnicodeDecodeError as error:
            raise _undecodable(raw, len(mark), encoding, error) from None
        nul = text.find("\0")
        if nul >= 0:
            offset = len(mark) + len(text[:nul].encode(encoding))
            raise UsageError(
                f"{line_of(text, nul)}: NUL character at byte offset {offset}: this is a binary file, or UTF-16 "
                "without a byte order mark",
                hint="Remove the file or save it as UTF-8.",
            )
        return cls(text, encoding, len(mark))

    def edits(self, edits: Iterable[TextEdit]) -> tuple[Edit, ...]:
        """Edits of the characters of the file as edits of its bytes.

        Args:
            edits: Disjoint edits of `text`, in any order.

        Raises:
            ValueError: They overlap.
            UsageError: One holds half a surrogate pair, which no file can hold.
        """
        changed, position, offset = list[Edit](), 0, self.mark_bytes
        for edit in ordered(list(edits), len(self.text)):
            start = offset + len(self.text[position : edit.start].encode(self.encoding))
            stop = start + len(self.text[edit.start : edit.stop].encode(self.encoding))
            changed.append(Edit(start, stop, self._encoded(edit.new)))
            position, offset = edit.stop, stop
        return tuple(changed)

    def _encoded(self, new: str) -> bytes:
        try:
            return new.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise UsageError(
                f"the text to put in holds the lone surrogate U+{ord(new[error.start]):04X}, which is half a character",
                hint="Write that text again from its original.",
            ) from None


def line_of(text: str, position: int) -> str:
    """The line of a character, for messages: `line 3`."""
    return f"line {text.count(chr(10), 0, position) + 1}"


def _undecodable(raw: bytes, skipped: int, encoding: str, error: UnicodeDecodeError) -> UsageError:
    first = skipped + error.start
    before = raw[skipped:first].decode(encoding)
    return UsageError(
        f"{line_of(before, len(before))}: not valid {_SHOWN[encoding]}: byte 0x{raw[first]:02x} at byte offset {first} "
        f"({error.reason})",
        hint=_SAVE,
    )
