"""Untrusted text made safe to show, small pieces of prose, and hints for mistyped words and paths."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from pathlib import Path

# Characters that act on a terminal, reorder or hide the text around them, or may not stand in XML; and those that are
# drawn as nothing: fillers, variation selectors, controls of music and shorthand, an empty Braille cell.
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    r"\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff0-\ufffb\U00013430-\U0001345f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    + "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(0x11))
    + r"\U000e0000-\U000e0fff"
)
_JOINERS = r"\u200c\u200d"
SPELLED = (
    r"[\u0620-\u06dc\u0710-\u08ff\u0900-\u109f\u1780-\u17b3\u17b6-\u17d3\u1820-\u18aa\u1900-\u1cff"
    r"\ua800-\ua8ff\ua980-\ua9df\uaa00-\uaaff\uabc0-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
    r"\U00011000-\U00011fff]"
)
"""Pattern of letters and vowel signs whose spelling needs the joiners, in Arabic and Indic scripts."""

EMOJI = (
    r"[\u00a9\u00ae\u2122\u2190-\u21ff\u231a\u231b\u2328\u23cf-\u23fa\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    r"\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
"""Pattern of symbols that the joiner makes one emoji of."""

JOINED = f"(?:{SPELLED}|{EMOJI})"
"""Pattern of both; between others a joiner only hides."""
# A line of a log that a CI runner takes for a command: `::error::` where it begins, `##[group]` or `##vso[` anywhere.
_ANYWHERE = r"(?<=#)#(?=[\w-]*\[)"
_UNSAFE = re.compile(f"[{_HIDDEN}]|(?<!{JOINED})[{_JOINERS}]|[{_JOINERS}](?!{JOINED})|{_ANYWHERE}")
_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
_UNSAFE_IN_JSON = re.compile(f"[{_HIDDEN}{_JOINERS}]|{_ANYWHERE}")


def visible(text: str, *, keep: str = "") -> str:
    """Replace every character that hides, reorders or acts by a visible mark.

    Those are controls, direction changes, invisible characters, and the sign that makes a line of a log a command of a
    CI runner. The joiners U+200C and U+200D stay where Persian, Indic scripts and emoji need them.

    Args:
        text: Text from outside.
        keep: Characters to leave as they are, such as a line feed in an excerpt.

    Returns:
        The text on one line unless `keep` says otherwise; an escape becomes `[U+001B]`, `::error::` at the beginning of
        a line `[U+003A]:error::`, and `##[group]` becomes `#[U+0023][group]`.
    """
    shown = _UNSAFE.sub(lambda match: match.group() if match.group() in keep else _mark(match.group()), text)
    return _COMMAND.sub(lambda match: f"{match.group(1)}{_mark(':')}", shown)


def _mark(character: str) -> str:
    return f"[U+{ord(character):04X}]"


def escape_json(written: str) -> str:
    """JSON text of the same value, in which every character that `visible` replaces is an escape of four hex digits."""
    return _UNSAFE_IN_JSON.sub(lambda match: "\n" if match.group() == "\n" else _escaped(match.group()), written)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def shorten(text: str, limit: int) -> str:
    """Cut the middle out of a text longer than `limit` characters; the ends of names say most."""
    if len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return f"{text[: limit - 1 - tail]}…{text[-tail:]}" if tail else "…"


MOST_NAME = 40
"""Characters of a name taken from data that a message shows: where no name was meant it may be a whole text."""


def quoted(name: str) -> str:
    """A name taken from data, in quotes and cut short, for messages."""
    return repr(shorten(name, MOST_NAME))


def quoted_list(names: Iterable[str], most: int = 20) -> str:
    """Names taken from data, cut short, at most `most` of them."""
    shown = [quoted(name) for name in names]
    more = f" and {len(shown) - most:,} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more


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
