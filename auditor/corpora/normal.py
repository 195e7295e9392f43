"""One form of text, for sides that differ in nothing but their encoding; and what differs from it.

The form, in this order:

1. U+FEFF (byte order mark), U+00AD (soft hyphen), U+200B (zero-width space) and U+2060 (word joiner) are removed, and
   U+200C and U+200D (joiners) where nothing needs them: after a letter or vowel sign of a script that is spelled with
   them (Arabic, Indic), at the end of a word too, and between the parts of an emoji they stay.
2. U+000D U+000A, U+000D, U+0085, U+2028 and U+2029 become U+000A (line feed).
3. U+00A0, U+202F (no-break spaces), U+2000 to U+200A and U+205F (typographic spaces) become U+0020 (space).
4. The text is put into Unicode normalisation form C (UAX #15).

Letters, quotes, dashes, tabs, variation selectors and direction marks stay as they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping

from auditor.core.text import EMOJI, SPELLED
from auditor.corpora.document import Corpus
from auditor.results.encoding import EncodingCounts

_PART = rf"(?:{EMOJI}|[\ufe0e\ufe0f])"
_STRAY_JOINER = rf"(?<!{SPELLED})(?:(?<!{_PART})[\u200c\u200d]|[\u200c\u200d](?!{EMOJI}))"
_MARK = re.compile("\ufeff")
_HYPHEN = re.compile("\u00ad")
_ZERO_WIDTH = re.compile(rf"[\u200b\u2060]|{_STRAY_JOINER}")
_INVISIBLE = re.compile(rf"[\ufeff\u00ad\u200b\u2060]|{_STRAY_JOINER}")
_LINE_END = re.compile("\r\n|[\r\x85\u2028\u2029]")
_SPACE = re.compile("[\u00a0\u2000-\u200a\u202f\u205f]")


def normalised(text: str) -> str:
    """A text in the one form; a text in that form is returned unchanged."""
    return unicodedata.normalize("NFC", _SPACE.sub(" ", _LINE_END.sub("\n", _INVISIBLE.sub("", text))))


def _has(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.search(text) is not None


_TRAITS: Mapping[str, Callable[[str], bool]] = {
    "line_ends": _has(_LINE_END),
    "byte_order_marks": _has(_MARK),
    "spaces": _has(_SPACE),
    "zero_width": _has(_ZERO_WIDTH),
    "soft_hyphens": _has(_HYPHEN),
    "not_composed": lambda text: not unicodedata.is_normalized("NFC", text),
}


def encoding_traits(text: str) -> frozenset[str]:
    """The traits of a text that the form takes out, by their names in `EncodingCounts`."""
    if text.isascii():
        return frozenset({"line_ends"} if "\r" in text else ())
    return frozenset(name for name, has in _TRAITS.items() if has(text))


def encoding_counts(suspect: Corpus, heldout: Corpus) -> EncodingCounts:
    """How many groups of each side have each trait in more than half of their documents."""
    ours, theirs = _by_trait(suspect), _by_trait(heldout)
    return EncodingCounts(**{name: (ours[name], theirs[name]) for name in _TRAITS})


def _by_trait(corpus: Corpus) -> Counter[str]:
    size = Counter(document.group for document in corpus.documents)
    having = Counter((document.group, name) for document in corpus.documents for name in encoding_traits(document.text))
    return Counter(name for (group, name), count in having.items() if 2 * count > size[group])
