"""Untrusted text made safe to show, small pieces of prose, and hints for mistyped words and paths."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

# Characters that act on a terminal, reorder or hide the text around them, or may not stand in XML. The joiners
# U+200C and U+200D stay: Persian, Indic scripts and emoji need them.
_HIDDEN = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u115f\\u1160\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164"
    "\\ud800-\\udfff\\ufdd0-\\ufdef\\ufeff\\uffa0\\ufff9-\\ufffb"
    + "".join(f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(0x11))
    + "\\U000e0000-\\U000e0fff]"
)


def visible(text: str, *, keep: str = "") -> str:
    """Replace every control, direction-changing or invisible character by a visible mark.

    Args:
        text: Text from outside.
        keep: Characters to leave as they are, such as a line feed in an excerpt.

    Returns:
        The text on one line unless `keep` says otherwise; an escape becomes `[U+001B]`.
    """
    return _HIDDEN.sub(lambda match: match.group() if match.group() in keep else f"[U+{ord(match.group()):04X}]", text)


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a text longer than `limit` characters; the ends of names say most."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[-tail:]}" if tail else "…"


def amount(count: int, singular: str, plural: str = "") -> str:
    """A count with its noun: `1 group`, `1,200 groups`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def in_a_row(text: str) -> str:
    """Lines that each say something as sentences in one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ended = [line if line.endswith((".", "!", "?", ":", ";")) else f"{line}." for line in lines[:-1]]
    return " ".join([*ended, *lines[-1:]])


def lower_first(sentence: str) -> str:
    """A sentence with a small first letter, to continue another."""
    return sentence[:1].lower() + sentence[1:]


def suggest(word: str, known: Iterable[str], *, show: Callable[[str], str] = str) -> str:
    """A hint with the known words closest to `word`, at most three; empty where none is close."""
    close = difflib.get_close_matches(word, sorted(known), n=3)
    return f"Did you mean {', '.join(map(show, close))}?" if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the closest known words, or with all of them where none is close."""
    names = sorted(known)
    return suggest(word, names) or (f"Known: {', '.join(names)}." if names else "")


def close_names(path: Path) -> str:
    """A hint with the names in a folder closest to that of a path that does not exist; empty where there are none."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    return suggest(path.name, names, show=lambda name: str(path.with_name(name)))
