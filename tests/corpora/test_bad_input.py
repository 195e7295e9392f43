"""What is refused, and that the message says what was wrong, where, and what to do."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
from pathlib import Path

import pytest

from auditor.core.errors import UsageError
from auditor.corpora import streams
from auditor.corpora.comparable import require_comparable
from auditor.corpora.document import Corpus
from auditor.corpora.read import read_corpus


def refusal(source: object, **options: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_corpus(source, **options)  # type: ignore[arg-type]
    assert caught.value.exit_code == 2
    assert caught.value.hint, "every refusal says what to do"
    return caught.value


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    return path


def put_parquet(path: Path, **columns: list[object]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table(columns), path)
    return path


def test_missing_folder_suggests_its_siblings(tmp_path):
    put(tmp_path / "suspects" / "a.txt", "one")
    error = refusal(tmp_path / "suspect" / "deep")
    assert "no such file or folder" in error.message
    assert "'suspect'" in error.message
    assert error.hint == "Did you mean suspects?"


def test_missing_file_with_nothing_alike_lists_the_formats(tmp_path):
    assert ".parquet" in refusal(tmp_path / "zzz.jsonl").hint


@pytest.mark.parametrize("source", ["", " "])
def test_empty_path_is_not_the_current_folder(source):
    assert "no path" in refusal(source).message


def test_path_with_a_nul_character():
    assert "no such file" in refusal("a\0b.txt").message


def test_empty_folder(tmp_path):
    assert "holds nothing" in refusal(tmp_path).message


def test_folder_without_texts_names_what_it_holds(tmp_path):
    for name in ("a.docx", "b.docx", "c.PDF", "LICENSE", ".hidden"):
        put(tmp_path / name, "x")
    error = refusal(tmp_path)
    assert "2 .docx, 1 .pdf, 1 no extension" in error.message
    assert ".jsonl" in error.hint


@pytest.mark.parametrize("name", ["weights.pkl", "data.pt", "data.xlsx", "data.txt", "data"])
def test_unknown_formats_are_refused_unopened(tmp_path, name, monkeypatch):
    path = put(tmp_path / name, b"\x80\x04cos\nsystem\n")

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("the file was opened")

    monkeypatch.setattr(io, "open", forbidden)
    monkeypatch.setattr(Path, "open", forbidden)
    error = refusal(path)
    assert "not a format that can be read" in error.message
    for known in (".jsonl", ".csv", ".parquet", "hf:", "folder of .txt"):
        assert known in error.hint


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.jsonl", '{"texts": "x", "author": "y"}\n', "a.jsonl:1"),
        ("a.json", '[\n{"texts": "x", "author": "y"}]', "a.json:2 (item 1)"),
        ("a.csv", "texts,author\nx,y\n", "a.csv:2 (row 1)"),
    ],
)
def test_wrong_column_suggests_and_lists_the_real_ones(tmp_path, name, content, place):
    error = refusal(put(tmp_path / name, content))
    assert error.message == f"{tmp_path / place}: no column 'text'"
    assert error.hint == "Did you mean 'texts'? The columns are: 'texts', 'author'. Choose one with --text-column."


def test_wrong_column_of_parquet(tmp_path):
    path = put_parquet(tmp_path / "a.parquet", content=["x"], author=["y"])
    assert "The columns are: 'content', 'author'." in refusal(path).hint


def test_column_missing_in_a_later_row(tmp_path):
    assert "a.jsonl:2: no column" in refusal(put(tmp_path / "a.jsonl", '{"text": "x"}\n{"t": "y"}\n')).message


def test_wrong_group_column(tmp_path):
    path = put(tmp_path / "a.jsonl", '{"text": "x", "author": "y"}\n')
    error = refusal(path, group_column="autor")
    assert "Did you mean 'author'?" in error.hint
    assert "--group-column" in error.hint


@pytest.mark.parametrize("cell", ["null", '""', '"  "', "NaN"])
def test_missing_group_names_the_row(tmp_path, cell):
    path = put(tmp_path / "a.jsonl", f'{{"text": "x", "g": "1"}}\n{{"text": "y", "g": {cell}}}\n')
    assert "a.jsonl:2: no group in column 'g'" in refusal(path, group_column="g").message


def test_group_that_is_a_list(tmp_path):
    path = put(tmp_path / "a.jsonl", '{"text": "x", "g": ["1"]}\n')
    assert "array values, not a group" in refusal(path, group_column="g").message


def test_groups_that_a_format_cannot_give(tmp_path):
    put(tmp_path / "texts" / "a.txt", "x")
    table = put(tmp_path / "a.jsonl", '{"text": "x"}\n')
    assert "no columns" in refusal(tmp_path / "texts", group_column="g").message
    assert "needs a folder" in refusal(table, group_by="parent").message
    assert "a.txt: lies in no folder" in refusal(tmp_path / "texts", group_by="parent").message
    assert "leave one" in refusal(table, group_by="parent", group_column="g").hint.lower()


@pytest.mark.parametrize("limit", [0, -3])
def test_limit_below_one(tmp_path, limit):
    assert f"--limit {limit}" in refusal(put(tmp_path / "a.jsonl", '"x"\n'), limit=limit).message


BAD = "caf\u00e9 ".encode() + b"\xff\xfe"


@pytest.mark.parametrize(
    ("name", "content", "place", "offset"),
    [
        ("t/a.txt", BAD, "t/a.txt", 6),
        ("a.jsonl", b'{"text": "x"}\n{"text": "' + BAD + b'"}\n', "a.jsonl:2", 30),
        ("a.json", b'["x", "' + BAD + b'"]', "a.json", 13),
        ("a.csv", b"\xef\xbb\xbftext\nx\n" + BAD + b"\n", "a.csv:3", 16),
    ],
)
def test_invalid_utf8_names_file_and_byte(tmp_path, name, content, place, offset):
    path = put(tmp_path / name, content)
    assert content[offset : offset + 1] == b"\xff", "the test knows where the bad byte is"
    message = refusal(path.parent if name.endswith(".txt") else path).message
    assert message.startswith(f"{tmp_path / place}: not valid UTF-8: byte 0xff at byte offset {offset} ")


def test_text_cut_within_a_character(tmp_path):
    put(tmp_path / "a.txt", "ab\u20ac".encode()[:-1])
    assert "byte 0xe2 at byte offset 2" in refusal(tmp_path).message


def test_byte_offset_after_a_byte_order_mark(tmp_path):
    put(tmp_path / "a.txt", b"\xef\xbb\xbfab\xff")
    assert "byte offset 5" in refusal(tmp_path).message


def test_invalid_utf8_in_parquet_names_the_row(tmp_path):
    import pyarrow as pa

    raw = pa.array([b"fine"] * 299 + [b"ab\xff"])
    put_parquet(tmp_path / "a.parquet", text=pa.Array.from_buffers(pa.string(), len(raw), raw.buffers()))
    message = refusal(tmp_path / "a.parquet").message
    assert "column 'text', row 300: not valid UTF-8: bad byte at offset 2" in message


def test_utf16_is_recognised(tmp_path):
    put(tmp_path / "a.txt", "words".encode("utf-16"))
    assert "UTF-16" in refusal(tmp_path).message


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.jsonl", '{"text": "x"}\n{"text": "y"\n', "a.jsonl:2: malformed JSON"),
        ("a.jsonl", '{"text": "x"}\n[1]\n', "a.jsonl:2: expected an object or a string"),
        ("a.json", '[\n{"text": "x"},\n{"text": y}\n]', "a.json:3: malformed JSON"),
        ("a.json", '[\n{"text": "x"}\n{"text": "y"}\n]', "a.json:3: malformed JSON: expected ',' or ']', found '{'"),
        ("a.json", '[\n{"text": "x"},\n', "a.json:3: malformed JSON"),
        ("a.json", '{"text": "x"}', "a.json:1: malformed JSON: expected '['"),
        ("a.json", '["x"]\n\ntail', "a.json:3: malformed JSON: text after the end"),
        ("a.json", '["x",\n 3]', "a.json:2 (item 2): expected an object or a string, found int"),
        ("a.json", "", "a.json:1: malformed JSON: expected '[', found the end of the file"),
        ("a.jsonl", "[" * 100_000, "a.jsonl:1: JSON that cannot be read"),
        ("a.json", "[\n" + "[" * 100_000, "a.json:2: JSON that cannot be read"),
        ("a.jsonl", '{"text": "x", "n": ' + "9" * 10_000 + "}", "a.jsonl:1: JSON that cannot be read"),
    ],
)
def test_malformed_json_names_file_and_line(tmp_path, name, content, place):
    assert refusal(put(tmp_path / name, content)).message.startswith(f"{tmp_path}/{place}")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("text,n\nx,1\ny\n", "a.csv:3: 1 fields where the header has 2"),
        ("text,n\nx,1\ny,2,3\n", "a.csv:3: 3 fields where the header has 2"),
        ('text\nx\n"never closed\nmore\n', "a.csv:3: malformed CSV"),
        ('text\nx\n"a"b\n', "a.csv:3: malformed CSV"),
        ("text,text\nx,y\n", "a.csv:1: the header names 'text' twice"),
    ],
)
def test_malformed_csv_names_file_and_line(tmp_path, content, place):
    assert refusal(put(tmp_path / "a.csv", content)).message.startswith(f"{tmp_path}/{place}")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("t/a.txt", b"text\0text", "NUL byte at byte offset 4"),
        ("t/a.txt", b"PAR1\x15\x04", "a Parquet file"),
        ("t/a.md", b"%PDF-1.7\n", "a PDF"),
        ("t/a.txt", b"PK\x03\x04", "zip"),
        ("a.jsonl", gzip.compress(b'"x"\n', mtime=0), "a gzip file"),
        ("a.csv", b"text\nx\n\0\n", "a.csv:3: NUL byte at byte offset 7"),
        ("a.json", b"\x7fELF\0", "NUL byte"),
        ("a.parquet", b"text,label\nx,1\n", "not a readable Parquet file"),
        ("a.parquet", b"", "not a readable Parquet file"),
    ],
)
def test_binary_or_foreign_content_is_refused(tmp_path, name, content, what):
    path = put(tmp_path / name, content)
    assert what in refusal(path.parent if name.startswith("t/") else path).message


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json.gz", "a.csv.gz", "a.parquet.gz"])
@pytest.mark.parametrize("damage", ["truncated", "corrupt", "not gzip"])
def test_damaged_gzip(tmp_path, name, damage):
    # Long, irregular content, so that a cut or a flipped byte falls into the compressed data.
    content = json.dumps([f"text {i * i}" for i in range(2000)]).encode() + b"\n"
    packed = bytearray(gzip.compress(content))
    if damage == "truncated":
        packed = packed[: len(packed) // 2]
    elif damage == "corrupt":
        packed[len(packed) // 2] ^= 0xFF
    path = put(tmp_path / name, content if damage == "not gzip" else bytes(packed))
    assert "damaged or truncated gzip" in refusal(path).message


def test_truncated_parquet(tmp_path):
    path = put_parquet(tmp_path / "a.parquet", text=["x" * 1000])
    path.write_bytes(path.read_bytes()[:-20])
    assert "not a readable Parquet file" in refusal(path).message


def test_line_of_a_hundred_megabytes(tmp_path):
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b'{"text": "short"}\n{"text": "')
        for _ in range(100):
            file.write(b"x" * 2**20)
        file.write(b'"}\n')
    start = time.monotonic()
    error = refusal(path)
    assert error.message == f"{path}:2: line longer than 64 MiB"
    assert "split" in error.hint
    assert time.monotonic() - start < 30


def test_gzip_bomb_is_read_no_further_than_the_limit(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(b" " * 2**20)
    assert "line longer than 64 MiB" in refusal(path).message


@pytest.mark.parametrize("name", ["t/a.txt", "a.csv", "a.jsonl", "a.json", "b.json", "a.parquet"])
def test_document_over_the_limit(tmp_path, monkeypatch, name):
    from auditor.corpora import cells, file_set
    from auditor.corpora.readers import csv_table

    for module in (streams, cells, csv_table, file_set):
        monkeypatch.setattr(module, "MAX_DOCUMENT_BYTES", 1000)
    # Two bytes a character: the limit is one of bytes.
    text = "é" * 300 + "\n" + "é" * 300
    path = tmp_path / name
    content = {"a.csv": f'text\n"{text}"\n', "a.json": json.dumps([text]), "b.json": json.dumps([{"text": text}])}
    if name == "a.parquet":
        put_parquet(path, text=[text])
    else:
        put(path, content.get(name, text if name == "t/a.txt" else json.dumps({"text": text}) + "\n"))
    assert "longer than 0 MiB" in refusal(path.parent if name == "t/a.txt" else path).message


def test_whole_file_over_the_limit(tmp_path, monkeypatch):
    from auditor.corpora.readers import json_array

    monkeypatch.setattr(json_array, "MAX_WHOLE_FILE_BYTES", 2**20)
    path = put(tmp_path / "a.json.gz", gzip.compress(b"[" + b" " * 2**20))
    assert "larger than the 1 MiB" in refusal(path).message


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("a.jsonl", '{"text": "fine"}\n{"text": "a\\ud800b"}\n', "a.jsonl:2: column 'text'"),
        ("a.json", '["fine",\n"a\\udfffb"]', "a.json:2 (item 2): the text"),
        ("a.jsonl", '{"text": "fine", "t": "\\ud83d"}\n', "a.jsonl:1: column 't'"),
        ("a.jsonl", '{"text": "fine", "\\ud83d": "t"}\n', "a.jsonl:1: a column name"),
    ],
)
def test_lone_surrogates_name_file_and_line(tmp_path, name, content, place):
    message = refusal(put(tmp_path / name, content)).message
    assert message.startswith(f"{tmp_path}/{place}")
    assert "lone surrogate U+D" in message


def test_lone_surrogate_in_a_group(tmp_path):
    path = put(tmp_path / "a.jsonl", '{"text": "fine", "g": "\\udc00"}\n')
    assert "a.jsonl:1: column 'g' holds the lone surrogate U+DC00" in refusal(path, group_column="g").message


def test_surrogate_pairs_are_whole_characters(tmp_path):
    path = put(tmp_path / "a.jsonl", '{"text": "\\ud83e\\udd89"}\n')
    assert read_corpus(path).documents[0].text == "🦉"


def test_surrogates_encoded_as_utf8(tmp_path):
    put(tmp_path / "a.txt", "a\ud800")
    assert "not valid UTF-8" in refusal(tmp_path).message


@pytest.mark.parametrize("cell", ["3", "true", "1.5", '["x"]', '{"a": 1}'])
def test_text_that_is_no_text_names_the_row(tmp_path, cell):
    error = refusal(put(tmp_path / "a.jsonl", f'{{"text": "x", "body": "y"}}\n{{"text": {cell}, "body": "y"}}\n'))
    assert "a.jsonl:2: column 'text' holds" in error.message
    assert "'body'" in error.hint


def test_binary_text_column_of_parquet(tmp_path):
    path = put_parquet(tmp_path / "a.parquet", text=[b"x"])
    assert "row 1: column 'text' holds binary values, not text" in refusal(path).message


def test_only_white_space(tmp_path):
    path = put(tmp_path / "a.jsonl", '{"text": " "}\n{"text": "\\n\\t"}\n{"text": null}\n')
    assert "no document with any text in it (3 empty)" in refusal(path).message


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_empty_file(tmp_path, name):
    assert "no document with any text" in refusal(put(tmp_path / name, "")).message


def test_empty_text_file(tmp_path):
    put(tmp_path / "a.txt", "")
    assert "(1 empty)" in refusal(tmp_path).message


def test_file_name_that_is_not_utf8(tmp_path):
    try:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))).write_text("x")
    except OSError:
        pytest.skip("this file system only takes names in UTF-8")
    message = refusal(tmp_path).message
    assert "caf\\xe9.txt" in message
    message.encode("utf-8")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe_in_a_folder_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.txt")
    assert "a.txt: not a regular file" in refusal(tmp_path).message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe_as_source_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "a.jsonl")
    assert "not a format" in refusal(tmp_path / "a.jsonl").message


def test_dangling_link(tmp_path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone.txt")
    message = refusal(tmp_path).message
    assert "cannot read" in message
    assert "a.txt: No such file" in message


def test_unreadable_subfolder_is_not_passed_over(tmp_path, monkeypatch):
    put(tmp_path / "a.txt", "x")
    put(tmp_path / "locked" / "b.txt", "y")
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    message = refusal(tmp_path).message
    assert "locked may not be read" in message


def test_saved_dataset_with_splits_asks_for_one(tmp_path):
    from datasets import Dataset, DatasetDict

    data = Dataset.from_dict({"text": ["x"]})
    DatasetDict({"train": data, "test": data}).save_to_disk(str(tmp_path / "saved"))
    error = refusal(tmp_path / "saved")
    assert "2 splits: test, train" in error.message
    assert f"{tmp_path}/saved:test" in error.hint
    assert "no split 'tran'" in refusal(f"{tmp_path}/saved:tran").message
    assert "no split '../saved'" in refusal(f"{tmp_path}/saved:../saved").message


def test_saved_dataset_without_splits_or_damaged(tmp_path):
    from datasets import Dataset

    Dataset.from_dict({"text": ["x"]}).save_to_disk(str(tmp_path / "saved"))
    assert "has no splits" in refusal(f"{tmp_path}/saved:train").message
    next((tmp_path / "saved").glob("*.arrow")).write_bytes(b"nonsense")
    assert "not a readable saved dataset" in refusal(tmp_path / "saved").message


def test_damaged_dataset_dict(tmp_path):
    put(tmp_path / "dataset_dict.json", "{}")
    assert "damaged" in refusal(tmp_path).message
    put(tmp_path / "dataset_dict.json", '{"splits": ["../other"]}')
    assert "not the name of a split" in refusal(tmp_path).message


@pytest.mark.parametrize(
    "source", ["hf:", "hf:../x", "hf:/etc", "hf:a/b/c", "hf:a/b:train[:10]", "hf:a:b:c:d", "hf:a/b:"]
)
def test_hub_names_that_are_none(source):
    assert "does not name a dataset" in refusal(source).message


def test_hub_name_that_is_also_a_path(tmp_path, monkeypatch):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "also exists here as a path" in refusal("hf:owner/name").message


def corpus_of(folder: Path, *texts: str) -> Corpus:
    for number, text in enumerate(texts):
        put(folder / f"{number}.txt", text)
    return read_corpus(folder)


def nothing_to_compare(suspect: Corpus, heldout: Corpus) -> str:
    with pytest.raises(UsageError, match="nothing to compare") as caught:
        require_comparable(suspect, heldout)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    return caught.value.message


def test_one_document_is_nothing_to_compare(tmp_path):
    one, two = corpus_of(tmp_path / "one", "a"), corpus_of(tmp_path / "two", "b", "c")
    assert f"suspect side {tmp_path / 'one'}: it holds one document only" in nothing_to_compare(one, two)
    assert "held-out side" in nothing_to_compare(two, one)


def test_identical_documents_are_nothing_to_compare(tmp_path):
    same, two = corpus_of(tmp_path / "same", "a", "a", "a"), corpus_of(tmp_path / "two", "b", "c")
    assert same.dropped_duplicate == 2
    assert "all its documents are identical" in nothing_to_compare(same, two)


def test_the_same_texts_on_both_sides_are_nothing_to_compare(tmp_path):
    one, two = corpus_of(tmp_path / "one", "a", "b"), corpus_of(tmp_path / "two", "b", "a")
    assert "hold the same texts" in nothing_to_compare(one, two)


def test_one_group_is_nothing_to_compare(tmp_path):
    one = read_corpus(put(tmp_path / "a.jsonl", '{"text": "x", "g": 1}\n{"text": "y", "g": 1}\n'), group_column="g")
    two = read_corpus(put(tmp_path / "b.jsonl", '{"text": "v", "g": 1}\n{"text": "w", "g": 2}\n'), group_column="g")
    assert "of one group, '1'" in nothing_to_compare(two, one)


def test_two_documents_a_side_can_be_compared(tmp_path):
    require_comparable(corpus_of(tmp_path / "one", "a", "b"), corpus_of(tmp_path / "two", "b", "c"))
