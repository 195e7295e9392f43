"""What each format keeps, and what it refuses."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest

from auditor.core.errors import UsageError
from auditor.splicing.edit import TextEdit, apply_edits
from auditor.splicing.file_format import NoTextColumn, file_formats, format_of


def changed(name: str, raw: bytes, index: int, *edits: TextEdit, column: str = "text") -> bytes:
    """A file after edits of one of its documents."""
    return apply_edits(raw, file_formats()[name].open(raw, column).edits({index: edits}))


def arranged(name: str, raw: bytes, order: Sequence[int]) -> bytes:
    return apply_edits(raw, file_formats()[name].open(raw, "text").arrange(order))


def refusal(name: str, raw: bytes, column: str = "text") -> str:
    with pytest.raises(UsageError) as caught:
        file_formats()[name].open(raw, column)
    assert caught.value.hint
    return caught.value.message


PUT = TextEdit(1, 1, " é“\n")


def test_formats_are_found_by_suffix_in_any_case() -> None:
    names = {
        "a.TXT": "text",
        "a.md": "markdown",
        "b/x.ndjson": "jsonl",
        "c.htm": "html",
        "t.csv": "csv",
        "t.tsv": "tsv",
    }
    assert {name: form.name for name in names if (form := format_of(name))} == names
    assert format_of("a.parquet") is file_formats()["parquet"]
    assert format_of("a.txt.bak") is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_keeps_its_encoding_and_line_ends(encoding: str, end: str) -> None:
    text = f"a🙂b{end}c{end}"
    raw = text.encode(encoding)
    assert file_formats()["text"].open(raw, "").texts == (text,)
    assert changed("text", raw, 0, TextEdit(1, 2, "é🙂")) == f"aé🙂b{end}c{end}".encode(encoding)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"a\nb\xe9c", "line 2: not valid UTF-8: byte 0xe9 at byte offset 3"),
        ("a\nb".encode("utf-16-be"), "line 1: NUL character at byte offset 0"),
        (b"a\n\0", "line 2: NUL character at byte offset 2"),
        ("ab".encode("utf-32"), "UTF-32"),
        (b"\xff\xfea", "line 1: not valid UTF-16: byte 0x61 at byte offset 2"),
        (b"\xff\xfea\0\x00\xd8b\0", "line 1: not valid UTF-16: byte 0x00 at byte offset 4"),
        (b"\xed\xa0\x80", "line 1: not valid UTF-8"),
        (b"PAR1aaaa", "this is a Parquet file"),
    ],
)
def test_text_in_another_encoding_is_refused_with_line_and_byte(raw: bytes, words: str) -> None:
    assert words in refusal("text", raw)
    assert words in refusal("jsonl", raw)
    assert words in refusal("html", raw)


def test_jsonl_touches_the_one_string() -> None:
    raw = b'\xef\xbb\xbf{"n": 1e999, "n":-0.0 , "text":"ab" ,"z": NaN}\r\n\r\n {"text": "other"}'
    assert changed("jsonl", raw, 0, TextEdit(1, 1, "X")) == raw.replace(b'"ab"', b'"aXb"')
    assert changed("jsonl", raw, 1, TextEdit(0, 5, "")) == raw.replace(b'"other"', b'""')


def test_jsonl_escapes_as_the_string_does_and_else_as_the_file() -> None:
    assert changed("jsonl", b'{"text": "a\\u00e9"}', 0, PUT) == b'{"text": "a \\u00e9\\u201c\\n\\u00e9"}'
    raw = '{"text": "aé"}\n{"text": "a\\u00e9"}\n{"text": "ab"}'.encode()
    assert changed("jsonl", raw, 0, PUT) == raw.replace("aé".encode(), "a é“\\né".encode())
    assert changed("jsonl", raw, 1, PUT) == raw.replace(b"a\\u00e9", b"a \\u00e9\\u201c\\n\\u00e9")
    assert changed("jsonl", raw, 2, PUT) == raw.replace(b"ab", "a é“\\nb".encode())
    assert changed("jsonl", b'{"text": "ab"}', 0, PUT) == b'{"text": "a \\u00e9\\u201c\\nb"}'
    assert changed("jsonl", b'{"text": "a\\/b"}', 0, TextEdit(3, 3, "/c")) == b'{"text": "a\\/b\\/c"}'
    assert (
        changed("jsonl", b'{"text": "\\ud83d\\ude42b\\u000a"}', 0, TextEdit(1, 2, ""))
        == b'{"text": "\\ud83d\\ude42\\u000a"}'
    )


def test_jsonl_reads_the_last_of_two_columns_of_one_name_and_whole_strings() -> None:
    opened = file_formats()["jsonl"].open(
        b'{"text": "a", "text": "b"}\n"c"\n{"x": {"text": "d"}, "te\\u0078t": "e"}', "text"
    )
    assert opened.texts == ("b", "c", "e")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"text": "a"}\n{"text": "b"', "line 2: malformed JSON: Expecting ',' delimiter (column 13)"),
        (b'{"text": "a"}\r{"text": "b"}', "carriage returns alone"),
        (b'{"text": "a"} {"text": "b"}', "line 1: malformed JSON: more than one value"),
        (b'{"text": 5}', "line 1: column 'text' holds a number"),
        (b'{"text": ["a"]}', "holds a list"),
        (b'{"text": "a"}\n\n{"text": "\\ud800"}', "line 3: the text holds the lone surrogate U+D800 at character 0"),
        (b'{"text": "a\tb"}', "line 1: malformed JSON: Invalid control character"),
        (b"[1]", "neither an object nor a string"),
        (b'{"text": "a"}\n{"x": "b"}', "line 2: no column 'text'"),
        (b'{"text": ' + b"[" * 100_000, "line 1: JSON that cannot be read"),
    ],
)
def test_jsonl_that_cannot_be_read_is_refused_with_its_line(raw: bytes, words: str) -> None:
    assert words in refusal("jsonl", raw)


def test_a_table_of_something_else_is_told_from_one_that_lacks_a_text() -> None:
    for raw, kind in ((b'{"x": 1}', True), (b'{"text": "a"}\n{"x": 1}', False)):
        with pytest.raises(UsageError) as caught:
            file_formats()["jsonl"].open(raw, "text")
        assert isinstance(caught.value, NoTextColumn) == kind


def test_a_text_that_is_null_is_a_document_without_one() -> None:
    opened = file_formats()["jsonl"].open(b'{"text": null}', "text")
    assert opened.texts == ("",)
    assert not opened.can_edit(0, 0, 0)
    with pytest.raises(UsageError, match="its text is null"):
        opened.edits({0: [TextEdit(0, 0, "a")]})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rows_are_removed_and_put_in_order(end: str) -> None:
    lines = [f'{{"text": "{sign}"}}' for sign in "abcd"]
    raw = end.join(lines).encode()
    assert arranged("jsonl", raw, [0, 2, 3]) == end.join([lines[0], *lines[2:]]).encode()
    assert arranged("jsonl", raw, [3, 0, 1, 2]) == end.join([lines[3], *lines[:3]]).encode()
    assert arranged("jsonl", raw, [2, 0]) == (end.join([lines[2], lines[0]]) + end).encode()
    assert arranged("jsonl", raw, []) == b""
    table = (f'id,text{end}1,"a{end}b"{end}{end}2,c{end}').encode()
    assert arranged("csv", table, [1, 0]) == (f'id,text{end}2,c{end}{end}1,"a{end}b"{end}').encode()
    with pytest.raises(ValueError, match="each document once"):
        arranged("csv", table, [0, 0])


def test_csv_touches_the_one_cell_and_quotes_it_where_it_must() -> None:
    raw = 'id;text;n\r\n1; ab ;"x;y"\r\n2;"c""d";\r\n'.encode("utf-16")
    assert changed("csv", raw, 0, TextEdit(2, 2, "é")).decode("utf-16") == raw.decode("utf-16").replace(" ab ", " aéb ")
    assert changed("csv", b"text,n\nab,1\n", 0, TextEdit(1, 1, "é")) == "text,n\naéb,1\n".encode()
    assert changed("csv", b"text,n\nab,1\n", 0, TextEdit(1, 1, ', "q"')) == b'text,n\n"a, ""q""b",1\n'
    assert changed("csv", raw, 1, TextEdit(2, 2, '"')).decode("utf-16") == raw.decode("utf-16").replace(
        '"c""d"', '"c""""d"'
    )
    assert changed("csv", b"sep=|\nn|text\n1|a,b", 0, TextEdit(0, 1, "")) == b"sep=|\nn|text\n1|,b"
    assert changed("csv", b"text\na\n", 0, TextEdit(0, 1, "")) == b'text\n""\n'


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'id,text\n1,a"b\n', "line 2: a quote inside a cell"),
        (b'id,text\n1,"a"b\n', "line 2: a quote inside a cell"),
        (b'id,text\n1, "a"\n', "line 2: a quote inside a cell"),
        (b'id,text\r1,b\r2,"a\r\n', "line 3: a quote that is never closed"),
        (b"id,text\n1,b,c\n", "line 2: 3 fields where the header has 2"),
        (b"text,text\n1,b\n", "line 1: several columns 'text'"),
        (b"id,body\n1,b\n", "line 1: no column 'text' among 'id', 'body'"),
    ],
)
def test_csv_that_two_readers_could_read_in_two_ways_is_refused(raw: bytes, words: str) -> None:
    assert words in refusal("csv", raw)


def test_a_page_is_changed_between_its_tags() -> None:
    raw = b"<p class='a'>One &amp;  two <b>three</b>\n four&hellip; &#x41;.</P >"
    opened = file_formats()["html"].open(raw, "")
    (text,) = opened.texts
    assert text == "One & two three four… A."
    assert changed("html", raw, 0, TextEdit(4, 5, "<é>")) == raw.replace(b"&amp;", b"&lt;&#233;&gt;")
    assert changed("html", raw, 0, TextEdit(3, 3, "x"), TextEdit(10, 15, "3")) == (
        raw.replace(b"One", b"Onex").replace(b"three", b"3")
    )
    at = text.index("three")
    assert not opened.can_edit(0, at - 1, at + 2)
    with pytest.raises(UsageError, match="not one piece between tags"):
        opened.edits({0: [TextEdit(at - 1, at + 2, "")]})


def test_a_page_writes_other_characters_as_it_declares_them() -> None:
    for head, spelled in (
        (b"<meta charset=utf-8>", "é".encode()),
        (b"<meta charset='latin-1'>", b"&#233;"),
        (b"<?xml version='1.0' encoding='UTF-8'?>", "é".encode()),
        (b"", b"&#233;"),
        (b"\xef\xbb\xbf", "é".encode()),
        ("<title>ü</title>".encode(), "é".encode()),
    ):
        assert changed("html", head + b"<p>a</p>", 0, TextEdit(1, 1, "é")) == head + b"<p>a" + spelled + b"</p>"
    assert "line 2: the page declares the encoding 'latin-1'" in refusal(
        "html", "<meta charset=latin-1>\n<p>é".encode()
    )


def test_paragraphs_of_a_page_are_apart() -> None:
    raw = b"<td>a<p>b<p>c<ul><li>d<li>e<table><tr><td>f<td>g</table>h</ul><div>i</div>j<br>k"
    assert file_formats()["html"].open(raw, "").texts == ("a\n\nb\n\nc\n\nd\n\ne\n\nf\n\ng\n\nh\n\ni\n\nj\n\nk",)
    opened = file_formats()["html"].open(b"<p>a<p>b", "")
    assert [opened.can_edit(0, at, at) for at in range(5)] == [True, True, False, True, True]


def _parquet(**options: object) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [pa.field("text", pa.large_string(), metadata={"of": "field"}), pa.field("x", pa.float32())],
        metadata={"made": "by hand"},
    )
    sink = io.BytesIO()
    table = pa.table({"text": ["a. b", None, "c", "d"], "x": [float("nan"), 1.5, None, 2.0]}, schema=schema)
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def test_parquet_keeps_its_schema_its_codecs_and_its_row_groups() -> None:
    import pyarrow.parquet as pq

    raw = _parquet(row_group_size=3, compression={"text": "zstd", "x": "snappy"}, use_dictionary=False)
    with pq.ParquetFile(io.BytesIO(changed("parquet", raw, 0, TextEdit(2, 2, "é ")))) as file:
        assert file.schema_arrow.equals(pq.ParquetFile(io.BytesIO(raw)).schema_arrow, check_metadata=True)
        assert [file.metadata.row_group(at).num_rows for at in range(2)] == [3, 1]
        assert [file.metadata.row_group(0).column(at).compression for at in range(2)] == ["ZSTD", "SNAPPY"]
        assert not file.metadata.row_group(0).column(0).has_dictionary_page
        assert file.read().column("text").to_pylist() == ["a.é  b", None, "c", "d"]
        assert str(file.read().column("x").to_pylist()) == "[nan, 1.5, None, 2.0]"
    with pq.ParquetFile(io.BytesIO(arranged("parquet", raw, [3, 0]))) as file:
        assert file.read().column("text").to_pylist() == ["d", "a. b"]


def test_parquet_that_cannot_be_read_is_refused() -> None:
    raw = _parquet()
    assert "not a readable Parquet file" in refusal("parquet", raw[:-9])
    assert "no column 'body' among 'text', 'x'" in refusal("parquet", raw, "body")
    assert "column 'x' holds float, not text" in refusal("parquet", raw, "x")
    with pytest.raises(UsageError, match="row 2: its text is null"):
        changed("parquet", raw, 1, TextEdit(0, 0, "a"))


def test_parquet_of_older_writers_keeps_the_names_of_its_lists() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"], "x": [[1, 2]]}), sink, use_compliant_nested_type=False)
    assert b"item" in changed("parquet", sink.getvalue(), 0, TextEdit(1, 1, "b"))
