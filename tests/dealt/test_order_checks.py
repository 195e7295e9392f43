"""A file whose order is no deal is refused before a model runs; a dealt file hardly ever."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from auditor.core.errors import UsageError
from auditor.dealt.order_checks.check import all_order_checks, run_order_checks
from auditor.dealt.order_checks.keys import keys
from auditor.dealt.order_checks.table import MOST_ROWS, OrderTable, order_table

Row = dict[str, Any]
ROWS = 160
TOPICS = ("river bank water flow", "judge court law trial", "engine wheel brake road", "cell blood nerve bone")
WORDS = "time year people way day man thing woman life child world school state family student group".split()


def dealt_rows(seed: int, rows: int = ROWS) -> list[Row]:
    """Rows of topics, lengths, labels, dates, numbers in the text and identifiers, in an order dealt by coins."""
    rng = np.random.default_rng([seed, 21])
    draws = rng.random((rows, 30)).tolist()
    made = []
    for number, row in enumerate(draws):
        topic = TOPICS[number * len(TOPICS) // rows].split()
        words = [topic[int(4 * u)] for u in row[:5]] + [
            WORDS[int(len(WORDS) * u)] for u in row[5 : 9 + int(16 * row[25])]
        ]
        words.insert(int(9 * row[26]), str(int(40 * row[27])))
        made.append(
            {
                "text": " ".join(words).capitalize() + ".",
                "id": number,
                "topic": topic[0],
                "date": str(date(2020, 1, 1) + timedelta(days=3 * number)),
                "label": int(2 * row[28]),
                "score": None if row[29] < 0.1 else round(100 * row[29]),
            }
        )
    return [made[at] for at in rng.permutation(rows)]


def refused(rows: list[Any], *, seed: int = 0, **options: Any) -> set[str]:
    """Names of the checks that refuse a file."""
    table = order_table(rows, **({"rows_per_block": 4} | options))
    return {result.name for result in run_order_checks(table, seed=seed) if result.status == "failed"}


def by(name: str) -> list[Row]:
    return sorted(dealt_rows(1), key=lambda row: row[name])


def texts(rows: list[Row]) -> list[str]:
    return [row["text"] for row in rows]


def sorted_in_pieces() -> list[Row]:
    rows = dealt_rows(1)
    return [row for start in range(0, ROWS, 4) for row in sorted(rows[start : start + 4], key=lambda row: row["text"])]


def numbered(form: str) -> list[str]:
    return [form.format(number) + text for number, text in enumerate(texts(dealt_rows(1)), start=1)]


def in_turns() -> list[Row]:
    rows = dealt_rows(1)
    return [row | {"label": number % 2} for number, row in enumerate(rows)]


def repeated() -> list[str]:
    return [text for text in texts(dealt_rows(1))[: ROWS // 4] for _ in range(2)] + texts(dealt_rows(2))


PAIRS = sorted((a + b, b + a) for a in "ABCDEFGHIJKLMNOP" for b in "aeiouy" * 2)[:ROWS]
STRUCTURED: dict[str, tuple[str, list[Any]]] = {
    "sorted by text": ("sorted", texts(by("text"))),
    "sorted by text, falling": ("sorted", texts(by("text"))[::-1]),
    "sorted by a number": ("sorted", by("id")),
    "sorted by a date": ("sorted", by("date")),
    "sorted by a written date": (
        "sorted",
        [row | {"date": date.fromisoformat(row["date"]).strftime("%d %B %Y"), "id": 0} for row in by("date")],
    ),
    "sorted by the number in an identifier": (
        "sorted",
        [{"text": row["text"], "name": f"doc-{row['id']}-x"} for row in by("id")],
    ),
    "sorted by length": ("sorted", sorted(texts(dealt_rows(1)), key=len)),
    "sorted by a digest": (
        "sorted",
        sorted(texts(dealt_rows(1)), key=lambda text: hashlib.sha256(text.encode()).hexdigest()),
    ),
    "sorted by the name at the end": (
        "sorted",
        [f"{text} By {first}{second}" for (first, second), text in zip(PAIRS, texts(dealt_rows(1)), strict=True)],
    ),
    "sorted by a number inside": (
        "sorted",
        [f"{n * 7 % 10} of {text} {n} or {n * 31 % 100}" for n, text in enumerate(texts(dealt_rows(1)), start=1)],
    ),
    "sorted in pieces of four": ("sorted", sorted_in_pieces()),
    "grouped by topic": ("neighbours", texts(by("topic"))),
    "two topics interleaved": (
        "neighbours",
        [text for pair in zip(texts(by("topic"))[:80], texts(by("topic"))[80:], strict=True) for text in pair],
    ),
    "numbered": ("numbers", numbered("{}. ")),
    "numbered inside": ("numbers", numbered("Look at entry {} here: ")),
    "enumerated by letters": (
        "numbers",
        [f"({'abcd'[number % 4]}) {text}" for number, text in enumerate(texts(dealt_rows(1)))],
    ),
    "enumerated in words": (
        "numbers",
        [f"{('First', 'Second', 'Third', 'Fourth')[n % 4]}, {text}" for n, text in enumerate(texts(dealt_rows(1)))],
    ),
    "with references": (
        "references",
        [text + (" See above." if number % 20 == 0 else "") for number, text in enumerate(texts(dealt_rows(1)))],
    ),
    "with references to what was said": (
        "references",
        [text + (" As I said before." if number % 20 == 0 else "") for number, text in enumerate(texts(dealt_rows(1)))],
    ),
    "labels in turns": ("labels", in_turns()),
    "labels in runs": ("labels", [row | {"label": number // 5 % 3} for number, row in enumerate(dealt_rows(1))]),
    "labels at the end of the text": (
        "labels",
        [f"{text} {('yes', 'no')[n % 2]}" for n, text in enumerate(texts(dealt_rows(1)))],
    ),
    "equal neighbours": ("duplicates", repeated()),
    "too few blocks": ("size", dealt_rows(1, rows=80)),
}


@pytest.mark.parametrize("name", STRUCTURED)
def test_a_file_with_an_order_of_its_own_is_refused(name: str) -> None:
    check, rows = STRUCTURED[name]
    assert check in refused(rows)


@pytest.mark.parametrize("options", [{"cut_rows": 1}, {"rows_per_block": 1}])
def test_blocks_that_cannot_be_tested_are_refused(options: dict[str, int]) -> None:
    assert refused(dealt_rows(3), **options) == {"size"}


@pytest.mark.simulation
def test_dealt_files_are_hardly_ever_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.dealt.order_checks.shuffles.SHUFFLES", 99)
    total = sum(check.level for check in all_order_checks())
    assert total <= 0.05
    rate = np.mean([bool(refused(dealt_rows(seed, rows=64), seed=seed, rows_per_block=2)) for seed in range(200)])
    assert rate <= total + 3 * (total * (1 - total) / 200) ** 0.5


def test_the_same_seed_gives_the_same_answers_and_each_check_a_stream_of_its_own() -> None:
    table = order_table(dealt_rows(5), rows_per_block=4)
    first, again = (run_order_checks(table, seed=7) for _ in range(2))
    assert first == again
    assert len({result.p_value for result in first if result.p_value}) > 1


def test_every_refusal_says_why_and_what_to_do() -> None:
    table = order_table(by("text"), rows_per_block=4, cut_rows=3)
    results = run_order_checks(table, seed=1)
    assert [result.name for result in results] == [check.name for check in all_order_checks()]
    for result in results:
        assert result.reason.endswith(".")
        assert bool(result.remediation) == (result.status == "failed")
    reason = next(result.reason for result in results if result.name == "sorted")
    assert reason == "The file is sorted in pieces by the text."


def test_a_large_file_is_looked_at_in_whole_blocks_all_over_it() -> None:
    table = OrderTable(tuple("x" * 50_000), rows_per_block=7)
    assert len(table.rows) <= MOST_ROWS
    assert table.rows[-1] > 49_000
    starts = table.rows[::7]
    assert (starts % 7 == 0).all()
    assert (table.rows[table.pairs + 1] == table.rows[table.pairs] + 1).all()


def test_rows_without_a_text_column_are_read_as_a_whole() -> None:
    table = order_table([{"q": "a", "n": 1}, {"q": "b"}])
    assert table.texts[0] == '{"q": "a", "n": 1}'
    assert table.columns == {"q": ("a", "b"), "n": (1, None)}
    with pytest.raises(UsageError, match="row 2 has no text in 'n'"):
        order_table([{"n": "1"}, {"q": "b"}], field="n")
    with pytest.raises(UsageError, match="block"):
        order_table(["a"], rows_per_block=0)


def test_columns_are_read_as_what_they_are() -> None:
    columns = {
        "number": ("9", "10", "1,100", "-3"),
        "day": ("1 Mar 2020", "2 Jan 2021", "3 Feb 2020", "4 Dec 2019"),
        "mixed": ("b7", "a10", None, "c9"),
        "same": (1, 1, 1, 1),
        "nested": ({"a": 1}, [1], {"a": 1}, "x"),
    }
    table = OrderTable(("aa", "b", "ccc", "d"), columns, rows_per_block=2)
    ranks = {name: values.tolist() for name, values in keys(table)}
    assert ranks["column 'number'"] == [-1, 1, 3, -3]
    assert ranks["column 'day' as dates"] == [1, 3, -1, -3]
    assert ranks["column 'mixed'"] == [0, -2, 0, 2]
    assert not any("same" in name for name in ranks)


def test_hostile_rows_break_no_check() -> None:
    odd: list[Any] = [
        {"text": "\ud800 \0", "n": float("inf"), "deep": [[[{"x": None}]]], "when": "0000-00-00"},
        {"text": "", "n": "1" * 400, "deep": b"raw", "when": "9999-12-31T23:59:59+14:00"},
    ]
    assert isinstance(refused(odd * 100), set)
    assert "size" in refused([])
