"""Every format, read as a user would give it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor.corpora.read import all_readers, read_corpus
from auditor.corpora.reader import Reader

ROWS = [
    {"text": "The first text, with a comma.", "author": "Ada", "year": 1843},
    {"text": 'A "quoted" second text\r\nover two lines.', "author": "Bob", "year": 1900},
    {"text": "Ünïcode third: 漢字 🦉", "author": "Ada", "year": 2001},
]
TEXTS = [str(row["text"]) for row in ROWS]


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_file(path: Path, rows: list[dict[str, object]]) -> Path:
    """Write rows in the format the suffix names, gzipped where it ends in .gz."""
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    if plain.suffix == ".jsonl":
        plain.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elif plain.suffix == ".json":
        plain.write_text(json.dumps(rows, indent=1, ensure_ascii=False), encoding="utf-8")
    elif plain.suffix == ".csv":
        write_csv(plain, rows)
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), plain)
    if plain != path:
        path.write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    return path


@pytest.mark.parametrize("zipped", ["", ".gz"])
@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".parquet"])
def test_tables_give_the_same_documents_in_every_format(tmp_path, suffix, zipped):
    path = write_file(tmp_path / f"data{suffix}{zipped}", ROWS)
    corpus = read_corpus(path, group_column="author")
    assert [document.text for document in corpus.documents] == TEXTS
    assert [document.id for document in corpus.documents] == [f"{path.name}:{row}" for row in (1, 2, 3)]
    assert [document.group for document in corpus.documents] == ["Ada", "Bob", "Ada"]
    assert corpus.groups == ("Ada", "Bob")
    assert dict(corpus.documents[0].metadata) == {"year": "1843"}
    assert (corpus.dropped_empty, corpus.dropped_duplicate, corpus.skipped) == (0, 0, ())
    assert corpus.source == str(path)


def test_suffix_in_capitals_is_read(tmp_path):
    path = write_file(tmp_path / "data.jsonl", ROWS)
    assert len(read_corpus(path.rename(tmp_path / "DATA.JSONL")).documents) == 3


def test_folder_is_read_recursively_and_sorted(tmp_path):
    for name in ("b.txt", "a.MD", "sub/deep/c.txt", "sub/a.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(f"text of {name}\r\n".encode())
    corpus = read_corpus(tmp_path)
    assert [document.id for document in corpus.documents] == ["a.MD", "b.txt", "sub/a.txt", "sub/deep/c.txt"]
    assert corpus.documents[1].text == "text of b.txt\r\n", "text is kept as it stands"
    assert all(document.group == document.id for document in corpus.documents)


def test_other_files_in_a_folder_are_named_and_hidden_ones_ignored(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7")
    (tmp_path / "weights.pkl").write_bytes(b"\x80\x04N.")
    (tmp_path / ".DS_Store").write_bytes(b"\0\0")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "note.txt").write_text("not a document")
    corpus = read_corpus(tmp_path)
    assert [document.id for document in corpus.documents] == ["a.txt"]
    assert corpus.skipped == ("scan.pdf", "weights.pkl")


def test_parent_folder_as_group(tmp_path):
    for name in ("ann/1.txt", "ann/2.txt", "bob/x/1.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"text of {name}")
    assert [d.group for d in read_corpus(tmp_path, group_by="parent").documents] == ["ann", "ann", "bob/x"]


def test_relative_path_gives_the_same_ids(tmp_path, monkeypatch):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    for source in ("texts", "texts/", "./texts", tmp_path / "texts"):
        assert [document.id for document in read_corpus(source).documents] == ["a.txt"]


@pytest.mark.parametrize("name", ["data.jsonl", "data.json", "data.csv", "folder/a.txt"])
def test_byte_order_mark_is_dropped(tmp_path, name):
    content = {
        "data.jsonl": '{"text": "été"}\n',
        "data.json": '[{"text": "été"}]',
        "data.csv": "text\nété\n",
        "folder/a.txt": "été",
    }[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode("utf-8-sig"))
    corpus = read_corpus(path.parent if name.endswith(".txt") else path)
    assert [document.text for document in corpus.documents] == ["été"]


def test_json_strings_are_texts(tmp_path):
    (tmp_path / "a.json").write_text('["one", "two"]')
    (tmp_path / "b.jsonl").write_text('"one"\n"two"\n')
    for name in ("a.json", "b.jsonl"):
        assert [document.text for document in read_corpus(tmp_path / name).documents] == ["one", "two"]


def test_blank_lines_of_jsonl_are_skipped_and_ids_keep_the_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n\n{"text": "two"}\n\n')
    assert [document.id for document in read_corpus(tmp_path / "a.jsonl").documents] == ["a.jsonl:1", "a.jsonl:3"]


def test_csv_with_crlf_quoted_newlines_blank_lines_and_an_index_column(tmp_path):
    (tmp_path / "a.csv").write_bytes(b',text\r\n0,"one\nline"\r\n\r\n1,"two ""2"""\r\n')
    corpus = read_corpus(tmp_path / "a.csv")
    assert [document.text for document in corpus.documents] == ["one\nline", 'two "2"']
    assert [document.id for document in corpus.documents] == ["a.csv:1", "a.csv:2"]


def test_csv_field_wider_than_the_default_limit_and_the_limit_put_back(tmp_path):
    before = csv.field_size_limit()
    (tmp_path / "a.csv").write_text("text\n" + "x" * (before + 10) + "\n")
    assert len(read_corpus(tmp_path / "a.csv").documents[0].text) == before + 10
    assert csv.field_size_limit() == before


def test_empty_and_repeated_documents_are_dropped_and_counted(tmp_path):
    rows = [{"text": text} for text in ("one", " \n\t\u3000", None, "one", "two", "", "one")]
    path = write_file(tmp_path / "a.jsonl", rows)
    corpus = read_corpus(path)
    assert [document.id for document in corpus.documents] == ["a.jsonl:1", "a.jsonl:5"]
    assert (corpus.dropped_empty, corpus.dropped_duplicate) == (3, 2)


def test_limit_keeps_the_first_documents_that_are_kept(tmp_path):
    path = write_file(tmp_path / "a.jsonl", [{"text": text} for text in ("", "one", "one", "two", "three")])
    assert [document.text for document in read_corpus(path, limit=2).documents] == ["one", "two"]
    assert len(read_corpus(path, limit=50).documents) == 3


def test_limit_reads_no_further_than_it_must(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\nnot json\n')
    assert len(read_corpus(tmp_path / "a.jsonl", limit=1).documents) == 1


def test_metadata_keeps_single_values_only(tmp_path):
    row = {"text": "t", "tags": ["a"], "more": {"a": 1}, "none": None, "ok": True, "pi": 3.5, "when": "2024-01-01"}
    path = write_file(tmp_path / "a.jsonl", [row])
    assert dict(read_corpus(path).documents[0].metadata) == {"ok": "True", "pi": "3.5", "when": "2024-01-01"}


def test_numbers_as_groups(tmp_path):
    path = write_file(tmp_path / "a.jsonl", [{"text": "a", "book": 7}, {"text": "b", "book": "7"}])
    assert read_corpus(path, group_column="book").groups == ("7",)


def test_another_text_column(tmp_path):
    path = write_file(tmp_path / "a.csv", [{"text": "wrong", "body": "right"}])
    document = read_corpus(path, text_column="body").documents[0]
    assert (document.text, dict(document.metadata)) == ("right", {"text": "wrong"})


def test_nested_and_binary_parquet_columns_are_left_alone(tmp_path):
    path = write_file(tmp_path / "a.parquet", [{"text": "t", "vector": [1.0, 2.0], "image": b"\x89PNG", "n": None}])
    assert dict(read_corpus(path).documents[0].metadata) == {}


def test_parquet_rows_are_numbered_across_batches(tmp_path):
    path = write_file(tmp_path / "a.parquet", [{"text": f"text {i}"} for i in range(1000)])
    corpus = read_corpus(path)
    assert [d.id for d in corpus.documents] == [f"a.parquet:{i + 1}" for i in range(1000)]
    assert corpus.documents[999].text == "text 999"


def test_saved_dataset(tmp_path):
    from datasets import Dataset

    Dataset.from_list(ROWS).save_to_disk(str(tmp_path / "saved"))
    corpus = read_corpus(tmp_path / "saved", group_column="author")
    assert [document.text for document in corpus.documents] == TEXTS
    assert [document.id for document in corpus.documents] == ["saved:1", "saved:2", "saved:3"]
    assert dict(corpus.documents[0].metadata) == {"year": "1843"}


def test_saved_dataset_keeps_a_selection(tmp_path):
    from datasets import Dataset

    Dataset.from_list(ROWS).select([2, 0]).save_to_disk(str(tmp_path / "saved"))
    assert [document.text for document in read_corpus(tmp_path / "saved").documents] == [TEXTS[2], TEXTS[0]]


def test_saved_dataset_with_splits(tmp_path):
    from datasets import Dataset, DatasetDict

    one, two = Dataset.from_list(ROWS[:2]), Dataset.from_list(ROWS[2:])
    DatasetDict({"train": one, "test": two}).save_to_disk(str(tmp_path / "both"))
    DatasetDict({"train": one}).save_to_disk(str(tmp_path / "single"))
    assert [document.id for document in read_corpus(f"{tmp_path}/both:test").documents] == ["both:test:1"]
    assert len(read_corpus(tmp_path / "single").documents) == 2
    (tmp_path / "both").rename(tmp_path / "a:b")
    assert len(read_corpus(f"{tmp_path}/a:b:train").documents) == 2


# What load_dataset leaves in the cache after a download, made without the download.
CACHE = """
import sys
import time
from pathlib import Path
from datasets.packaged_modules.json.json import Json
folder = sys.argv.pop(1)
builder = Json(dataset_name="name", hash="0" * 40,
               data_files={split: [f"{folder}/{split}.jsonl"] for split in ("train", "test")})
builder.download_and_prepare()
made = Path(builder.cache_dir)
goal = made.parents[2].with_name("owner___name") / "default" / made.parent.name / made.name
goal.parent.mkdir(parents=True)
made.rename(goal)
"""

READ = """
import sys
from auditor.corpora.read import read_corpus
from auditor.core.errors import UsageError
for source in sys.argv[1:]:
    try:
        corpus = read_corpus(source, limit=2)
        print(corpus.documents[-1].id, len(corpus.documents), ascii(corpus.documents[-1].text))
    except UsageError as error:
        print("UsageError", *str(error).split())
"""


def run_python(code: str, *arguments: str, home: Path, **variables: str) -> list[str]:
    root = Path(__file__).parents[2]
    environment = {**os.environ, "HF_HOME": str(home), "PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1", **variables}
    environment.pop("HF_DATASETS_CACHE", None)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, timeout=60, cwd=home
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_hub_dataset_comes_from_the_cache_without_network(tmp_path):
    write_file(tmp_path / "train.jsonl", ROWS)
    write_file(tmp_path / "test.jsonl", ROWS[:1])
    run_python(CACHE, str(tmp_path), home=tmp_path)
    read, one, both, missing, absent, config = run_python(
        READ,
        "hf:owner/name:train",
        "hf:owner/name:default:test",
        "hf:owner/name",
        "hf:owner/name:tset",
        "hf:owner/absent",
        "hf:owner/name:other:train",
        home=tmp_path,
    )
    assert read == f"owner/name:train:2 2 {TEXTS[1]!a}"
    assert one == f"owner/name:test:1 1 {TEXTS[0]!a}"
    assert "has 2 splits: test, train" in both
    assert "no split 'tset'" in missing
    assert "Did you mean test?" in missing
    assert "hf:owner/absent: not in the local cache" in absent
    assert "offline mode is on" in absent
    assert "'default'" in config


def test_unreachable_hub_is_reported_in_seconds(tmp_path):
    start = time.monotonic()
    # Nothing listens on the discard port.
    online = {"HF_HUB_OFFLINE": "0", "HF_ENDPOINT": "http://127.0.0.1:9"}
    (line,) = run_python(READ, "hf:owner/absent", home=tmp_path, **online)
    assert line.startswith("UsageError hf:owner/absent: not in the local cache")
    assert "cannot be fetched from the Hub" in line
    assert time.monotonic() - start < 20


def test_every_reader_says_what_it_reads():
    readers = all_readers()
    names = {"hub", "csv", "folder", "json", "jsonl", "parquet", "pattern", "saved dataset", "zip"}
    assert {reader.name for reader in readers} == names
    assert all(isinstance(reader, Reader) and reader.formats for reader in readers)


def test_sha256_is_that_of_ids_groups_and_texts(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "b.txt").write_text("text b")
    (tmp_path / "one" / "a.txt").write_text("text a")
    lines = "".join(
        json.dumps([f"{name}.txt", f"{name}.txt", hashlib.sha256(f"text {name}".encode()).hexdigest()]) + "\n"
        for name in "ab"
    )
    assert read_corpus(tmp_path / "one").sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_sha256_does_not_depend_on_place_or_order_of_creation(tmp_path):
    names = ["a.txt", "b.txt", "sub/c.txt"]
    for folder, order in (("one", names), ("two", names[::-1])):
        for name in order:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"text of {name}")
    one, two = read_corpus(tmp_path / "one"), read_corpus(tmp_path / "two")
    assert one.sha256 == two.sha256
    assert one.documents == two.documents
    (tmp_path / "two" / "b.txt").write_text("text of b.txt.")
    assert read_corpus(tmp_path / "two").sha256 != one.sha256


def test_sha256_depends_on_groups(tmp_path):
    path = write_file(tmp_path / "a.jsonl", ROWS)
    assert read_corpus(path).sha256 != read_corpus(path, group_column="author").sha256


def test_order_of_the_file_system_does_not_matter(tmp_path, monkeypatch):
    for name in ("b/2.txt", "a/1.txt", "c.txt", "a/0.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    expected = read_corpus(tmp_path)
    walk = os.walk

    def backwards(*arguments, **options):
        for folder, subfolders, files in walk(*arguments, **options):
            subfolders.sort(reverse=True)
            files.sort(reverse=True)
            yield folder, subfolders, files

    monkeypatch.setattr(os, "walk", backwards)
    assert read_corpus(tmp_path) == expected


def test_links_are_followed_and_loops_end(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.txt").write_text("outside")
    corpus = tmp_path / "corpus"
    (corpus / "sub").mkdir(parents=True)
    (corpus / "sub" / "a.txt").write_text("inside")
    (corpus / "sub" / "loop").symlink_to(corpus)
    (corpus / "sub" / "tight").symlink_to(corpus / "sub")
    (corpus / "self").symlink_to(corpus / "self")
    (corpus / "link").symlink_to(outside)
    (corpus / "again").symlink_to(outside)
    read = read_corpus(corpus)
    assert [document.id for document in read.documents] == ["again/x.txt", "sub/a.txt"]
    assert read.dropped_duplicate == 0, "each file is read once"


def test_markup_in_texts_and_file_names_is_kept_verbatim(tmp_path):
    name = "<script>alert('&amp;').txt"
    (tmp_path / name).write_text("<script>alert(1)</script>\u202e&lt;")
    document = read_corpus(tmp_path).documents[0]
    assert (document.id, document.text) == (name, "<script>alert(1)</script>\u202e&lt;")


def test_reading_imports_no_heavy_library(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    code = (
        "import sys; from auditor.corpora.read import read_corpus; import auditor.corpora.overlap;"
        "read_corpus(sys.argv[1]);"
        "print(sorted({'torch', 'transformers', 'datasets', 'pyarrow', 'datasketch', 'scipy'} & set(sys.modules)))"
    )
    assert run_python(code, str(tmp_path), home=tmp_path) == ["[]"]
