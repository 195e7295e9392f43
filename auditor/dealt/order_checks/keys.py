"""What a file may be sorted by: its columns and its texts, each as numbers whose order is that of the key."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Ints

_MOSTLY = 0.9
_NUMBER = re.compile(r"\d{1,15}")
_MAYBE_DATE = re.compile(r"[\w ,.:/+-]{0,24}\d[\w ,.:/+-]{3,24}")
_DATES = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_MOST_COLUMNS = 64
_WORD = re.compile(r"\w+")
_WORDS_AT = {"second": 1, "third": 2, "second-last": -2, "last": -1}
_NUMBERS_AT = {"first": 0, "second": 1, "third": 2, "last": -1}


def keys(table: OrderTable) -> Iterator[tuple[str, Ints]]:
    """Name and ranks [rows] of each key that is not constant; ranks are centred and doubled, so they are whole.

    Missing values share the rank in the middle.
    """
    texts = table.seen(table.texts)
    named: list[tuple[str, list[Any]]] = [
        ("the length of the text", [len(text) for text in texts]),
        *(
            (
                f"the {name} digest of the text",
                [hashlib.new(name, text.encode("utf-8", "replace")).hexdigest() for text in texts],
            )
            for name in ("md5", "sha1", "sha256")
        ),
        *_readings("the text", texts),
        *_inside(texts),
    ]
    for name, values in list(table.columns.items())[:_MOST_COLUMNS]:
        named += _readings(f"column {name!r}", table.seen(values))
    for what, read in named:
        ranks = _ranks(read)
        if ranks.any():
            yield what, ranks


def _readings(name: str, values: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """What a column may be sorted by: as numbers, as dates, as text, by its length, by numbers in it."""
    written = [None if value is None else _written(value) for value in values]
    for what, read in (("", _number), (" as dates", _date)):
        numbers = _read(written, read)
        if numbers is not None:
            yield name + what, numbers
            return
    yield name, [None if text is None else text.casefold() for text in written]
    yield f"the length of {name}", [None if text is None else len(text) for text in written]
    inside = [None if text is None else [int(found) for found in _NUMBER.findall(text)] for text in written]
    for which, at in _NUMBERS_AT.items():
        chosen = _at(inside, at)
        if chosen is not None:
            yield f"the {which} number in {name}", chosen


def _inside(texts: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    """Words of a text that it may be sorted by, such as a name in front or behind, and the number of words."""
    split = [_WORD.findall(text.casefold()) for text in texts]
    yield "the number of words", [len(words) for words in split]
    for which, at in _WORDS_AT.items():
        chosen = _at(split, at)
        if chosen is not None:
            yield f"the {which} word of the text", chosen


def _at(rows: Sequence[Sequence[Any] | None], at: int) -> list[Any] | None:
    """What each row has at a position; None where more than a tenth of the rows have nothing there."""
    chosen = [None if row is None or not -len(row) <= at < len(row) else row[at] for row in rows]
    present = sum(row is not None for row in rows)
    return chosen if sum(value is not None for value in chosen) >= max(_MOSTLY * present, 1) else None


def _read(written: Sequence[str | None], read: Callable[[str], float | None]) -> list[float | None] | None:
    """The values as numbers; None where that fails for more than a tenth, known as soon as it is so."""
    present = sum(text is not None for text in written)
    failures, numbers = 0, []
    for text in written:
        number = None if text is None else read(text)
        numbers.append(number)
        failures += text is not None and number is None
        if failures > (1 - _MOSTLY) * present:
            return None
    return numbers


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False, default=str)


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(text.lower())
    return value if np.isfinite(value) else None


def _date(text: str) -> float | None:
    if not _MAYBE_DATE.fullmatch(text):
        return None
    readers: list[Callable[[str], datetime]] = [datetime.fromisoformat]
    readers += [lambda value, shape=shape: datetime.strptime(value, shape) for shape in _DATES]  # type: ignore[misc]
    for read in readers:
        try:
            moment = read(text)
        except ValueError:
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _ranks(values: Sequence[Any]) -> Ints:
    """Ranks of values of one kind, as `keys` gives them."""
    present = [at for at, value in enumerate(values) if value is not None]
    code = {value: number for number, value in enumerate(sorted({values[at] for at in present}))}
    ranks = np.zeros(len(values), dtype=np.int64)
    if len(code) > 1:
        codes = np.array([code[values[at]] for at in present])
        counts = np.bincount(codes)
        ranks[present] = (2 * counts.cumsum() - counts)[codes] - len(present)
    return ranks
