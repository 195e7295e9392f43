"""Edits of bytes and of characters: applied together, and undone byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, slots=True)
class Edit:
    """Bytes [start, stop) of a file become `new`.

    Attributes:
        start: Offset of the first byte that is replaced.
        stop: Offset after the last; equal to `start` where bytes are only put in.
        new: What stands there afterwards.
    """

    start: int
    stop: int
    new: bytes


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Characters [start, stop) of a text become `new`.

    Attributes:
        start: Position of the first character that is replaced.
        stop: Position after the last; equal to `start` where characters are only put in.
        new: What stands there afterwards.
    """

    start: int
    stop: int
    new: str


E = TypeVar("E", Edit, TextEdit)


def apply_edits(raw: bytes, edits: Sequence[Edit]) -> bytes:
    """The bytes after all edits, whose positions are those of `raw`.

    Args:
        raw: Content of a file.
        edits: Disjoint edits in any order.

    Raises:
        ValueError: They overlap, two put bytes in at one position, or one reaches past the end.
    """
    parts, position = list[bytes](), 0
    for edit in ordered(edits, len(raw)):
        parts += [raw[position : edit.start], edit.new]
        position = edit.stop
    return b"".join([*parts, raw[position:]])


def apply_text_edits(text: str, edits: Sequence[TextEdit]) -> str:
    """As `apply_edits`, of the characters of a text."""
    parts, position = list[str](), 0
    for edit in ordered(edits, len(text)):
        parts += [text[position : edit.start], edit.new]
        position = edit.stop
    return "".join([*parts, text[position:]])


def inverse_edits(raw: bytes, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits that turn what `apply_edits(raw, edits)` gives into `raw` again, byte for byte.

    Args:
        raw: Content of a file before the edits.
        edits: Disjoint edits in any order.

    Raises:
        ValueError: As `apply_edits`.
    """
    inverse, shift = list[Edit](), 0
    for start, stop, new in _joined(ordered(edits, len(raw))):
        inverse.append(Edit(start + shift, start + shift + len(new), raw[start:stop]))
        shift += len(new) - (stop - start)
    return tuple(inverse)


def ordered(edits: Sequence[E], length: int) -> list[E]:
    """Edits by position.

    Args:
        edits: Edits in any order.
        length: Length of what they change.

    Raises:
        ValueError: As `apply_edits`.
    """
    in_order = sorted(edits, key=lambda edit: (edit.start, edit.stop))
    position, inserted = 0, -1
    for edit in in_order:
        if not position <= edit.start <= edit.stop <= length:
            raise ValueError(f"edit of [{edit.start}, {edit.stop}) overlaps another or leaves the {length} there are")
        if edit.start == edit.stop == inserted:
            raise ValueError(f"two edits put something in at {inserted}")
        position = edit.stop
        inserted = edit.start if edit.start == edit.stop else -1
    return in_order


def _joined(edits: Sequence[Edit]) -> Iterator[tuple[int, int, bytes]]:
    """Edits that touch, as one: undone each alone, two removals side by side would put bytes in at one point."""
    start, stop, new = -1, -1, b""
    for edit in edits:
        if edit.start == stop:
            stop, new = edit.stop, new + edit.new
            continue
        if stop >= 0:
            yield start, stop, new
        start, stop, new = edit.start, edit.stop, edit.new
    if stop >= 0:
        yield start, stop, new
