"""Rows that are numbered or enumerated, so that each names its place."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.shuffles import pair_mean, shuffle_test
from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Floats

LEVEL = 0.01
_ANY = re.compile(r"(?<![\d.,])\d{1,9}(?![\d])")
_HEAD = re.compile(r"\W*(?:[^\W\d]{1,12}[\s.:#-]*)?(\d{1,9})\b")
_LETTER = re.compile(r"\W*([A-Za-z])[.):]\s")
_ROMAN = re.compile(r"\W*([ivxlcIVXLC]{1,7})[.):]\s")
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_CARDINALS = "one two three four five six seven eight nine ten eleven twelve".split()
_WORD_HEAD = re.compile(r"\W*(?:step|part|chapter|question|item|day|the)?\W*([a-z]+?)(?:ly)?\b", re.IGNORECASE)
_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


@order_check(
    name="numbers",
    order=40,
    question="Are the rows without running numbers?",
    blind_spots="Numberings in which no row holds the number after that of the row before.",
    remediation="Take the numbers out before publication, or test a file without; a numbered row says where it "
    "stands to any model.",
    level=LEVEL,
)
def running_numbers(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Count neighbours of which the second holds the number after one of the first, against shuffled rows."""
    matrices = [_successors(rows) for rows in _numbers(table.seen(table.texts)).values() if any(rows)]
    found = shuffle_test(table, [pair_mean(matrix, table) for matrix in matrices], rng)
    if found.p_value > LEVEL:
        return OrderFinding("No numbers run from row to row.", False, found.p_value)
    return OrderFinding("Numbers or enumerations run from row to row.", True, found.p_value)


def _numbers(texts: Sequence[str]) -> Mapping[str, list[frozenset[int]]]:
    """The numbers of each row, by how they are written."""
    found: dict[str, list[frozenset[int]]] = defaultdict(list)
    for text in texts:
        by_kind: dict[str, set[int]] = {"head": set(), "any": set(), "letter": set(), "roman": set(), "word": set()}
        for kind, number in _written_numbers(_unwrapped(text)):
            by_kind[kind].add(number)
        for kind, numbers in by_kind.items():
            found[kind].append(frozenset(numbers))
    return found


def _unwrapped(text: str) -> str:
    """The values of a row that was written as JSON, one after the other."""
    if not text.startswith("{"):
        return text
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return " ".join(str(value) for value in row.values()) if isinstance(row, dict) else text


def _written_numbers(text: str) -> Iterator[tuple[str, int]]:
    for number in _ANY.findall(text):
        yield "any", int(number)
    if head := _HEAD.match(text):
        yield "head", int(head[1])
    if letter := _LETTER.match(text):
        yield "letter", ord(letter[1].lower())
    if roman := _ROMAN.match(text):
        yield "roman", _roman(roman[1].lower())
    if word := _WORD_HEAD.match(text):
        for row in (_ORDINALS, _CARDINALS):
            if word[1].lower() in row:
                yield "word", row.index(word[1].lower())


def _roman(letters: str) -> int:
    values = [_VALUES[letter] for letter in letters]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _successors(rows: Sequence[frozenset[int]]) -> Floats:
    """[rows, rows]: 1 where the second row holds the number after one of the first."""
    known = sorted({number for row in rows for number in row})
    at = {number: index for index, number in enumerate(known)}

    def held(step: int) -> csr_matrix:
        cells = [(row, at[n + step]) for row, numbers in enumerate(rows) for n in numbers if n + step in at]
        where = tuple(np.array(cells, dtype=np.int64).reshape(-1, 2).T)
        return csr_matrix((np.ones(len(cells), dtype=np.float32), where), shape=(len(rows), max(len(known), 1)))

    follows: Floats = np.minimum((held(1) @ held(0).T).toarray(), 1.0)
    np.fill_diagonal(follows, 0.0)
    return follows
