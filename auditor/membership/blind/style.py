"""Plain properties of a text: length, layout and the years it names."""

from __future__ import annotations

import re
import string
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Latin, Chinese, Japanese, Arabic, Devanagari, Armenian, Ethiopic and Khmer marks; only Latin ones need a space.
_END_MARKS = "!?…。！？．؟۔।॥։።។"
_SENTENCE_END = re.compile(rf"[.{_END_MARKS}]+(?=\s|$)|[{_END_MARKS[3:]}]+")
_MARKUP = re.compile(r"</?[a-zA-Z][^>]*>|&[a-z]+;|&#\d+;")
_MARKDOWN = re.compile(r"^\s{0,3}(?:#{1,6}\s|[-*+]\s|\d+[.)]\s|>\s|\|)|\*\*|`|\]\(", re.MULTILINE)
_ADDRESS = re.compile(r"https?://|www\.|\b\S+@\S+\.\S+")
_MONTH = re.compile(
    r"\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Property:
    """One number of a text; NaN where the text has none."""

    name: str
    family: str
    measure: Callable[[str], float]


def _share(text: str, matches: Callable[[str], bool]) -> float:
    return sum(map(matches, text)) / len(text) if text else 0.0


def _per_thousand(pattern: re.Pattern[str]) -> Callable[[str], float]:
    return lambda text: 1000.0 * sum(1 for _ in pattern.finditer(text)) / max(len(text), 1)


def _years(reduce: Callable[[list[int]], float]) -> Callable[[str], float]:
    def measure(text: str) -> float:
        years = [int(match) for match in _YEAR.findall(text)]
        return float(reduce(years)) if years else float("nan")

    return measure


def _mean_word_length(text: str) -> float:
    words = _WORD.findall(text)
    return sum(map(len, words)) / len(words) if words else float("nan")


def _type_token_ratio(text: str) -> float:
    words = [word.casefold() for word in _WORD.findall(text)[:100]]
    return len(set(words)) / len(words) if words else float("nan")


def _words_per_sentence(text: str) -> float:
    return len(_WORD.findall(text)) / max(1, len(_SENTENCE_END.findall(text)))


def _compression(text: str) -> float:
    raw = text.encode("utf-8")
    return len(zlib.compress(raw, 9)) / max(1, len(raw))


def _ends_cleanly(text: str) -> float:
    last = text.rstrip()[-1:]
    return float(bool(last) and last in f".{_END_MARKS}\"'”’)»」』】）")


def _starts_upper(text: str) -> float:
    return float(text.lstrip()[:1].isupper())


def _longest_line(text: str) -> float:
    return float(max((len(line) for line in text.splitlines()), default=0))


PROPERTIES: tuple[Property, ...] = (
    Property("characters", "length", lambda text: float(len(text))),
    Property("words", "length", lambda text: float(len(_WORD.findall(text)))),
    Property("words-per-sentence", "length", _words_per_sentence),
    Property("mean-word-length", "length", _mean_word_length),
    Property("type-token-ratio", "length", _type_token_ratio),
    Property("compression", "length", _compression),
    Property("lines", "format", lambda text: float(text.count("\n") + 1)),
    Property("longest-line", "format", _longest_line),
    Property("blank-lines", "format", lambda text: float(len(re.findall(r"\n[ \t]*\n", text)))),
    Property("outer-space", "format", lambda text: float(len(text) - len(text.strip()))),
    Property("carriage-returns", "format", lambda text: float(text.count("\r"))),
    Property("tabs", "format", lambda text: float(text.count("\t"))),
    Property("double-spaces", "format", _per_thousand(re.compile(r"(?<=\S)  +(?=\S)"))),
    Property("markup", "format", _per_thousand(_MARKUP)),
    Property("markdown", "format", _per_thousand(_MARKDOWN)),
    Property("addresses", "format", _per_thousand(_ADDRESS)),
    Property("upper-case", "format", lambda text: _share(text, str.isupper)),
    Property("digits", "format", lambda text: _share(text, str.isdigit)),
    Property("punctuation", "format", lambda text: _share(text, string.punctuation.__contains__)),
    Property("beyond-ascii", "format", lambda text: _share(text, lambda character: ord(character) > 127)),
    Property("curly-quotes", "format", lambda text: _share(text, "“”‘’«»".__contains__)),
    Property("white-space", "format", lambda text: _share(text, str.isspace)),
    Property("ends-cleanly", "format", _ends_cleanly),
    Property("starts-upper", "format", _starts_upper),
    Property("latest-year", "dates", _years(max)),
    Property("median-year", "dates", _years(lambda years: float(np.median(years)))),
    Property("years", "dates", _per_thousand(_YEAR)),
    Property("months", "dates", _per_thousand(_MONTH)),
)
