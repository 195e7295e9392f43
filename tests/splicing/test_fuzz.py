"""Random files of every format, hostile ones among them; `benchmarks/splicing.py` runs thousands of them."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from splice_fuzz import COLUMN, FILES, damaged, exercise

from auditor.core.errors import UsageError
from auditor.splicing.edit import TextEdit, apply_edits, inverse_edits
from auditor.splicing.file_format import file_formats

EXAMPLES = {"parquet": 15, "html": 40}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


def require_words(error: UsageError) -> None:
    assert error.message
    assert error.hint


def one(name: str, seed: int, *, hostile: bool) -> None:
    rng = random.Random(f"{name}/{hostile}/{seed}")
    raw = FILES[name](rng)
    exercise(name, damaged(raw, rng) if hostile else raw, rng)


@pytest.mark.parametrize("name", FILES)
def test_changes_land_and_every_other_byte_stays(name: str) -> None:
    for seed in range(EXAMPLES.get(name, 60)):
        one(name, seed, hostile=False)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_spliced_or_refused_in_words(name: str) -> None:
    for seed in range(EXAMPLES.get(name, 60)):
        one(name, seed, hostile=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_two_thousand_files_of_each_format(name: str) -> None:
    for seed in range(2000):
        one(name, seed, hostile=seed % 2 == 1)


@pytest.mark.parametrize("name", sorted(set(FILES) - {"parquet"}))
@settings(max_examples=60, deadline=None)
@given(raw=st.one_of(st.binary(max_size=80), TEXTS.map(lambda text: text.encode())))
@example(raw=b"\xef\xbb\xbf")
@example(raw=b"\xff\xfe")
@example(raw=b"\xff\xfe\x00\xd8")
@example(raw=b"\xff\xfe\x00\x00a\x00\x00\x00")
@example(raw=b'{"text": "a\\ud800"}')
@example(raw=b"[" * 100_000)
@example(raw=b'{"text": ' + b"9" * 10_000 + b"}")
@example(raw=b'"text"\r"a\r\n""b"')
@example(raw=b"<p>a &am")
@example(raw=b"<p" * 1000)
def test_any_bytes_are_read_or_refused_in_words(name: str, raw: bytes) -> None:
    try:
        opened = file_formats()[name].open(raw, COLUMN)
    except UsageError as error:
        require_words(error)
        return
    for index, text in enumerate(opened.texts):
        assert all(0 < point < len(text) for point in opened.insertion_points(index))


@pytest.mark.parametrize("name", ["text", "markdown", "jsonl", "csv", "tsv"])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_edit_of_any_text_lands_exactly(name: str, data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    new = data.draw(TEXTS)
    start, stop = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    raw = {
        "jsonl": lambda: b'{"text": "x"}\n{"id": 1, "text": ""}\n',
        "csv": lambda: b'id,text\n1,"x"\n2,""\n',
        "tsv": lambda: b'id\ttext\n1\t"x"\n2\t""\n',
    }.get(name, lambda: b"")()
    at = len(file_formats()[name].open(raw, COLUMN).texts) - 1
    for edit in (TextEdit(0, 0, text), TextEdit(start, stop, new)):
        opened = file_formats()[name].open(raw, COLUMN)
        before = opened.texts[at]
        edits = opened.edits({at: [edit]})
        after = apply_edits(raw, edits)
        assert apply_edits(after, inverse_edits(raw, edits)) == raw
        try:
            texts = file_formats()[name].open(after, COLUMN).texts
        except UsageError:
            assert after.startswith((b"\xff\xfe", b"\xfe\xff")) or b"PAR1" in after or b"BZh" in after
            return
        if after.startswith(b"\xef\xbb\xbf") or len(texts) != len(opened.texts):
            # A text that begins with a byte order mark, or a table that is emptied: publishing refuses both.
            return
        assert texts[at] == before[: edit.start] + edit.new + before[edit.stop :]
        raw = after
