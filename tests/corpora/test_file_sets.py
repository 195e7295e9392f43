"""Several files as one side: folders, cloned datasets, archives and patterns of names."""

from __future__ import annotations

import gzip
import json
import os
import zipfile
from pathlib import Path

import pytest

from auditor.core.errors import UsageError
from auditor.core.files import read_paths
from auditor.corpora.arrow import batch_rows
from auditor.corpora.document import Corpus
from auditor.corpora.read import read_corpus

LFS = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 12345\n"


def put(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def jsonl(*texts: str) -> str:
    return "".join(json.dumps({"text": text}) + "\n" for text in texts)


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return path


def refusal(source: object, **options: object) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_corpus(source, **options)  # type: ignore[arg-type]
    assert caught.value.hint, "every refusal says what to do"
    return caught.value


def ids(source: object, **options: object) -> list[str]:
    return [document.id for document in read_corpus(source, **options).documents]  # type: ignore[arg-type]


def texts(corpus: Corpus) -> list[str]:
    return [document.text for document in corpus.documents]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("{}.jsonl", '{{"text": "{}", "n": 1}}\n'),
        ("sub/{}.jsonl.gz", '{{"text": "{}", "n": 1}}\n'),
        ("{}.csv", "text,n\n{},1\n"),
        ("{}.tsv.gz", "text\tn\n{}\t1\n"),
        ("{}.json", '[{{"text": "{}", "n": 1}}]'),
    ],
)
def test_shards_of_one_format_are_one_set_in_the_order_of_their_names(tmp_path: Path, name: str, content: str) -> None:
    for part in ("b", "a", "c"):
        put(tmp_path / name.format(part), content.format(f"text {part}"))
    put(tmp_path / "README.md", "# About it")
    put(tmp_path / "LICENSE", "free")
    corpus = read_corpus(tmp_path)
    assert texts(corpus) == ["text a", "text b", "text c"]
    start, _, _ = name.format("a").partition("a.")
    assert corpus.documents[0].id.startswith(f"{start}a.")
    assert dict(corpus.documents[0].metadata) == {"n": "1"}
    assert corpus.skipped_kinds == {"about the data": 2}


def parquet(path: Path, *texts: str) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": list(texts)}), path)


def test_a_cloned_dataset_repository_with_one_split(tmp_path: Path) -> None:
    parquet(tmp_path / "data" / "train-00001-of-00002.parquet", "two")
    parquet(tmp_path / "data" / "train-00000-of-00002.parquet", "one")
    put(tmp_path / "README.md", "---\nlicense: mit\n---\n# Card\n")
    put(tmp_path / ".gitattributes", "x")
    corpus = read_corpus(tmp_path)
    assert texts(corpus) == ["one", "two"]
    assert corpus.documents[0].id == "data/train-00000-of-00002.parquet:1"
    assert (corpus.skipped_kinds, corpus.hidden) == ({"about the data": 1}, 1)


@pytest.mark.parametrize(
    "names",
    [
        ("train.jsonl", "test.jsonl"),
        ("data/train-00000-of-00001.jsonl", "data/test-00000-of-00001.jsonl"),
        ("train/part-0.jsonl", "test/part-0.jsonl"),
        ("my_train_set.jsonl", "my_eval_set.jsonl"),
    ],
)
def test_of_several_splits_one_is_to_be_named(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        put(tmp_path / name, jsonl(f"text of {name}"))
    error = refusal(tmp_path)
    assert "has 2 splits: test, train" in error.message
    assert f"{tmp_path}:test" in error.hint
    corpus = read_corpus(f"{tmp_path}:train")
    assert texts(corpus) == [f"text of {names[0]}"]
    assert corpus.skipped_kinds == {"of other splits": 1}
    assert "no split 'tran'" in refusal(f"{tmp_path}:tran").message


def test_the_card_says_which_files_are_a_split(tmp_path: Path) -> None:
    for name in ("en/a", "en/b", "fr/a"):
        put(tmp_path / f"{name}.jsonl", jsonl(f"text of {name}"))
    card = "---\nconfigs:\n- config_name: en\n  data_files:\n  - split: train\n    path: en/a.jsonl\n  - split: extra\n"
    put(tmp_path / "README.md", card + "    path: [en/b*]\n- config_name: fr\n  data_files: fr/*.jsonl\n---\n")
    assert "3 splits: en:extra, en:train, fr:train" in refusal(tmp_path).message
    assert ids(f"{tmp_path}:en:extra") == ["en/b.jsonl:1"]
    assert ids(f"{tmp_path}:fr:train") == ["fr/a.jsonl:1"]
    put(tmp_path / "README.md", "---\nconfigs:\n- config_name: default\n  data_files: en/a.jsonl\n---\n")
    assert ids(tmp_path) == ["en/a.jsonl:1"], "what the card does not list is no data"


def test_files_of_no_split_beside_one_are_not_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "train.jsonl", jsonl("a"))
    put(tmp_path / "more.jsonl", jsonl("b"))
    assert "others that are of none: train, more.jsonl" in refusal(tmp_path).message
    assert ids(f"{tmp_path}:train") == ["train.jsonl:1"]
    assert len(ids(f"{tmp_path}/*.jsonl")) == 2


def test_texts_may_be_gzipped(tmp_path: Path) -> None:
    put(tmp_path / "a.txt.gz", "one")
    put(tmp_path / "b.txt", "two")
    put(tmp_path / "c.md.gz", "three")
    put(tmp_path / "d.pdf.gz", "four")
    corpus = read_corpus(tmp_path)
    assert [(document.id, document.text) for document in corpus.documents] == [
        ("a.txt.gz", "one"),
        ("b.txt", "two"),
        ("c.md.gz", "three"),
    ]
    assert corpus.skipped_kinds == {".pdf.gz": 1}


def test_texts_and_tables_in_one_folder_are_refused_in_words(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", "one")
    put(tmp_path / "b.jsonl", jsonl("two"))
    error = refusal(tmp_path)
    assert "documents of several kinds: 1 .txt and 1 .jsonl" in error.message
    assert f"'{tmp_path}/*.txt'" in error.hint
    assert ids(f"{tmp_path}/*.txt") == ["a.txt"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("index.csv", "file,author\na.txt,x\n"), ("labels.jsonl", '{"id": "a.txt"}\n'), ("meta.json", '{"a": 1}')],
)
def test_tables_without_texts_beside_texts_are_none_of_documents(tmp_path: Path, name: str, content: str) -> None:
    put(tmp_path / "a.txt", "one")
    put(tmp_path / name, content)
    corpus = read_corpus(tmp_path)
    assert (texts(corpus), corpus.skipped) == (["one"], (name,))


def test_a_card_alone_is_no_document(tmp_path: Path) -> None:
    put(tmp_path / "README.md", "# Card")
    put(tmp_path / "data" / "a.arrow", b"ARROW1")
    assert "without documents, only 'README.md'; it holds 1 .arrow, 1 .md" in refusal(tmp_path).message


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_tables_separated_by_other_signs(tmp_path: Path, separator: str) -> None:
    path = put(tmp_path / "a.csv", f'id{separator}text\n1{separator}"one, two; three"\n2{separator}four\n')
    assert texts(read_corpus(path)) == ["one, two; three", "four"]


def test_what_spreadsheets_write_before_the_header(tmp_path: Path) -> None:
    path = put(tmp_path / "a.csv", "sep=;\n\nid;text\n1;one\n")
    assert ids(path) == ["a.csv:1"]
    assert "b.csv:5" in refusal(put(tmp_path / "b.csv", "sep=;\n\nid;text\n1;one\n2\n")).message


def test_a_header_that_nothing_separates(tmp_path: Path) -> None:
    assert "one column, 'id^text'" in refusal(put(tmp_path / "a.csv", "id^text\n1^one\n")).message


SECRET = "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f'"{SECRET}",1\n"{SECRET} twice",2\n'),
        ("a.tsv", f"1\t{SECRET}\n"),
        ("a.csv", f'"{SECRET}","{SECRET}"\n'),
        ("a.csv", f"{SECRET}\n{SECRET}\n"),
        ("a.jsonl", json.dumps({SECRET: 1}) + "\n"),
        ("a.json", json.dumps([{SECRET: 1}])),
    ],
)
def test_no_text_of_a_document_appears_in_a_message(tmp_path: Path, name: str, content: str) -> None:
    error = refusal(put(tmp_path / name, content))
    shown = max((len(run) for run in str(error).split("'") if run[:9] == SECRET[:9]), default=0)
    assert shown <= 40
    assert SECRET[20:50] not in str(error)
    if name.endswith("sv"):
        assert "the first line is a row of data and not the names of columns" in error.message


def test_doubled_columns_of_arrow_tables(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(
        pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["text", "text"]), tmp_path / "a.parquet"
    )
    assert "two columns are named 'text'" in refusal(tmp_path / "a.parquet").message


def test_source_code_by_its_suffix(tmp_path: Path) -> None:
    put(tmp_path / "src" / "a.py", "print(1)")
    put(tmp_path / "src" / "b.PY", "print(2)")
    put(tmp_path / "README.md", "# About it")
    put(tmp_path / "data.json", "{}")
    corpus = read_corpus(tmp_path, suffix=(".py",))
    assert [document.id for document in corpus.documents] == ["src/a.py", "src/b.PY"]
    assert corpus.skipped_kinds == {".json": 1, ".md": 1}
    assert "1 .json, 1 .md, 2 .py" in refusal(tmp_path).message


def test_a_pattern_reads_what_it_matches(tmp_path: Path) -> None:
    for name in ("a/2.jsonl", "a/1.jsonl", "b/c/3.jsonl", ".hidden/4.jsonl", "5.csv"):
        put(tmp_path / name, jsonl(f"text {name}") if name.endswith("l") else "text\nx\n")
    assert ids(f"{tmp_path}/a/*.jsonl") == ["1.jsonl:1", "2.jsonl:1"]
    corpus = read_corpus(f"{tmp_path}/**/*.jsonl")
    assert [document.id for document in corpus.documents] == ["a/1.jsonl:1", "a/2.jsonl:1", "b/c/3.jsonl:1"]
    assert corpus.hidden == 1
    assert "several kinds" in refusal(f"{tmp_path}/**/*.[jc]s*").message
    assert "no file matches" in refusal(f"{tmp_path}/*.txt").message
    assert "only 2 folders" in refusal(f"{tmp_path}/[ab]").message
    assert "not a pattern" in refusal(f"{tmp_path}/**.jsonl").message


def test_brackets_in_a_name_are_no_pattern(tmp_path: Path) -> None:
    assert ids(put(tmp_path / "a[1].jsonl", jsonl("x"))) == ["a[1].jsonl:1"]


def test_archives_of_texts_and_of_tables(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", c__b_txt="two", a_txt="one", MACOSX__x_txt="no", d_pdf="x")
    corpus = read_corpus(path)
    assert [(document.id, document.text) for document in corpus.documents][:2] == [
        ("MACOSX/x.txt", "no"),
        ("a.txt", "one"),
    ]
    assert corpus.skipped == ("d.pdf",)
    parquet(tmp_path / "x.parquet", "three")
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        archive.write(tmp_path / "x.parquet", "data/train-00000-of-00001.parquet")
        archive.writestr("__MACOSX/._x.parquet", "x")
    assert ids(tmp_path / "p.zip") == ["data/train-00000-of-00001.parquet:1"]
    tables = zipped(tmp_path / "s.zip", train_jsonl=jsonl("a"), test_jsonl=jsonl("b"))
    assert "2 splits" in refusal(tables).message
    assert ids(f"{tables}:test") == ["test.jsonl:1"]


def test_what_no_archive_of_documents_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def archive(name: str, content: str = "x", mode: int = 0) -> Path:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
            made.writestr(info, content)
            made.writestr("b.txt", "y")
        return tmp_path / "a.zip"

    for name in ("../a.txt", "/etc/a.txt", "a/../../b.txt", "C:/a.txt", "..\\a.txt"):
        assert "leads out of the archive" in refusal(archive(name)).message
    assert "is a link" in refusal(archive("a.txt", "/etc/passwd", 0o120777)).message
    assert "is an archive itself" in refusal(archive("in.zip")).message
    monkeypatch.setattr("auditor.corpora.readers.zip_archive.MAX_ARCHIVE_BYTES", 1000)
    assert "where an archive may hold" in refusal(archive("a.txt", "a" * 2000)).message
    put(tmp_path / "b.zip", b"PK\x03\x04 and no more")
    assert "not a readable zip archive" in refusal(tmp_path / "b.zip").message
    put(tmp_path / "c.zip", LFS)
    assert "Git LFS pointer" in refusal(tmp_path / "c.zip").message


def test_a_damaged_member_of_an_archive(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", a_txt="one two three " * 200)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(bytes(data))
    assert "a.zip/a.txt: damaged" in refusal(path).message


def test_folders_of_pointers_are_one_message(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path / f"{number}.txt", LFS.replace("12345", str(number)))
    error = refusal(tmp_path)
    assert "3 of its 3 text files are Git LFS pointers, not the files themselves; the first is 0.txt" in error.message
    assert "git lfs pull" in error.hint
    put(tmp_path / "0.txt", "an honest text about Git LFS")
    assert "2 of its 3 text files are Git LFS pointers" in refusal(tmp_path).message
    assert "the first is 1.txt" in refusal(tmp_path).message


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.json", "a.parquet", "a.jsonl.gz", "a.txt.gz/x.txt"])
def test_pointers_in_the_place_of_any_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(LFS)
    assert "this is a Git LFS pointer" in refusal(path.parent if name.endswith("txt") else path).message


def test_links_into_an_annex_that_was_not_fetched(tmp_path: Path) -> None:
    link = tmp_path / "a.jsonl"
    link.symlink_to(".git/annex/objects/0M/1x/a.jsonl")
    assert "git-annex pointer" in refusal(link).message
    assert "git-annex pointer" in refusal(tmp_path).message


def test_a_folder_of_notices_alone(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path / f"{number}.txt", f"Access denied (request {number})")
    assert "3 of its 3 text files are servers' notices" in refusal(tmp_path).message
    put(tmp_path / "1.txt", "A story")
    assert len(ids(tmp_path)) == 3


def test_a_corpus_of_web_pages_is_one(tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path / f"{number}.html", f"<!doctype html><html><head><title>Sign in</title></head>{number}")
    assert len(ids(tmp_path, suffix=(".html",))) == 3
    for number in range(3):
        put(tmp_path / "t" / f"{number}.txt", f"<!doctype html><html><head><title>On ferns</title></head>{number}")
    assert len(ids(tmp_path / "t")) == 3
    put(tmp_path / "t" / "1.txt", "<!doctype html><html><head><title>404 Not Found</title></head></html>")
    assert "1 of its 3 text files is a web page of an error or a login" in refusal(tmp_path / "t").message


def test_a_folder_of_dvc_pointers(tmp_path: Path) -> None:
    put(tmp_path / "data.jsonl.dvc", "outs:\n- md5: a304afb96060aad90176268345e10355\n  path: data.jsonl\n")
    error = refusal(tmp_path)
    assert "DVC pointers" in error.message
    assert "dvc pull" in error.hint
    assert "DVC pointer" in refusal(tmp_path / "data.jsonl.dvc").message
    assert "DVC pointer" in refusal(tmp_path / "data.jsonl").message


def card(*lines: str) -> str:
    return "\n".join(["---", "configs:", "- config_name: default", "  data_files:", *lines, "---", "# Card", ""])


@pytest.mark.parametrize("train", ["**/train*.jsonl", "./train.jsonl", "*.jsonl", "**"])
def test_patterns_of_a_card_match_as_the_hub_has_them(tmp_path: Path, train: str) -> None:
    put(tmp_path / "train.jsonl", jsonl("of train"))
    put(tmp_path / "deep" / "test.jsonl", jsonl("of test"))
    lines = [f"  - {{split: train, path: '{train}'}}", "  - {split: test, path: deep/test.jsonl}"]
    put(tmp_path / "README.md", card(*lines))
    assert "has 2 splits: test, train" in refusal(tmp_path).message
    assert ids(f"{tmp_path}:test") == ["deep/test.jsonl:1"]
    assert "train.jsonl:1" in ids(f"{tmp_path}:train")


def test_a_split_that_a_card_lists_twice_is_both(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / f"{name}.jsonl", jsonl(name))
    put(tmp_path / "README.md", card("  - {split: train, path: b.jsonl}", "  - {split: train, path: a.jsonl}"))
    assert ids(tmp_path) == ["a.jsonl:1", "b.jsonl:1"]


@pytest.mark.parametrize("pattern", ["gone/*.jsonl", "**.jsonl", "/train.jsonl", "hf://x/train.jsonl"])
def test_a_listed_pattern_without_a_table_is_refused_by_name(tmp_path: Path, pattern: str) -> None:
    put(tmp_path / "test.jsonl", jsonl("of test"))
    put(tmp_path / "README.md", card(f"  - {{split: train, path: '{pattern}'}}", "  - {split: test, path: test.jsonl}"))
    assert f"README.md lists '{pattern}' as 'train', which matches no table" in refusal(tmp_path).message
    assert "matches no table" in refusal(f"{tmp_path}:train").message
    assert ids(f"{tmp_path}:test") == ["test.jsonl:1"]


def test_configurations_by_folder_and_without_a_name(tmp_path: Path) -> None:
    for name in ("en/train", "fr/train"):
        put(tmp_path / f"{name}.jsonl", jsonl(name))
    put(tmp_path / "README.md", "---\nconfigs:\n- data_dir: en\n- config_name: fr\n  data_files: {train: fr/*}\n---\n")
    assert "2 splits: config-1:train, fr:train" in refusal(tmp_path).message
    assert ids(f"{tmp_path}:config-1:train") == ["en/train.jsonl:1"]
    members = {name: (tmp_path / name).read_text() for name in ("README.md", "en/train.jsonl", "fr/train.jsonl")}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(f"clone/{name}", content)
    assert ids(f"{tmp_path}/a.zip:fr:train") == ["clone/fr/train.jsonl:1"], "the card lies where the files do"


@pytest.mark.parametrize(
    ("front", "why"),
    [
        ("a: &a [x]\nb: [*a, *a]\nconfigs: []", "an alias"),
        ("base: &base {a: b}\nconfigs:\n- <<: *base", "an alias"),
        ("configs: [", "malformed YAML"),
        ("configs: []\n#" + "x" * 70000, "more than 64 KiB"),
    ],
)
def test_front_matter_that_is_not_read_is_refused(tmp_path: Path, front: str, why: str) -> None:
    put(tmp_path / "train.jsonl", jsonl("a"))
    put(tmp_path / "README.md", f"---\n{front}\n---\n")
    assert f"README.md: the front matter, which lists the files of the splits, holds {why}" in refusal(tmp_path).message


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.jsonl", '{"text": "one"\n', "malformed JSON"),
        ("a.jsonl", b'{"text": "\xff"}\n', "not valid UTF-8"),
        ("a.json", '{"text": "one"}\n{"text": "two"}\n', "malformed JSON"),
        ("a.json", '[{"text": one}]', "malformed JSON"),
        ("a.tsv", 'text\n"one" two\n', "malformed CSV"),
        ("a.parquet", b"PAR1 and no more", "parquet"),
    ],
)
def test_a_damaged_table_in_a_folder_is_refused_and_not_left_out(
    tmp_path: Path, name: str, content: str | bytes, why: str
) -> None:
    put(tmp_path / name, content)
    for other, good in (("b.txt", "one"), ("b.ndjson" if name != "a.jsonl" else "b.csv", "text\ntwo\n")):
        put(tmp_path / other, good if other != "b.ndjson" else jsonl("two"))
        error = refusal(tmp_path)
        assert name in error.message
        assert why in error.message
        assert "pattern in quotes" in error.hint
        (tmp_path / other).unlink()


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_damaged_under_any_compression(tmp_path: Path, method: int) -> None:
    content = "".join(f"line {number * number}\n" for number in range(300))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a.txt", content)
        start, size = 30 + len("a.txt"), archive.getinfo("a.txt").compress_size
    sound = (tmp_path / "a.zip").read_bytes()
    for at in (start, start + 3, start + 12, start + size // 2):
        (tmp_path / "a.zip").write_bytes(
            sound[:at] + bytes(byte ^ 0xFF for byte in sound[at : at + 9]) + sound[at + 9 :]
        )
        assert "a.zip/a.txt: damaged in its archive" in refusal(tmp_path / "a.zip").message


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("prompt,completion,2021", "prompt,completion"),
        ("prompt,completion,2021", "text"),
        ("q,a,2021", "q, a"),
        ('instruction,output,"How good was this answer, one to five?"', "text"),
        ("messages,2021", "text"),
    ],
)
def test_a_header_with_the_names_of_texts_is_one(tmp_path: Path, header: str, column: str) -> None:
    path = put(tmp_path / "a.csv", f"{header}\n" + ",".join(["[]"] * len(header.split(",")[:3])) + "\n")
    error = refusal(path, text_column=column)
    assert "names of columns" not in error.message


def test_a_quote_in_a_tsv_joins_no_rows(tmp_path: Path) -> None:
    path = put(tmp_path / "a.tsv", 'text\tn\n"one\t1\ntwo\t2\nthree"\t3\n')
    assert "a.tsv:2: a field that begins with a quote runs over several lines" in refusal(path).message
    assert texts(read_corpus(put(tmp_path / "b.tsv", 'text\tn\n"one ""1"""\t1\n'))) == ['one "1"']


def test_a_column_that_python_has_no_values_for_is_left_alone() -> None:
    import pyarrow as pa

    times = pa.array([2**62, 0], pa.int64())
    table = {
        "text": ["one", "two"],
        "at": times.cast(pa.timestamp("s")),
        "zone": times.cast(pa.timestamp("s", "No/No")),
    }
    rows = list(batch_rows(pa.table(table).to_batches(), "a", "a"))
    assert [row.content["text"] for row in rows] == ["one", "two"]  # type: ignore[index]


def test_a_card_among_texts_is_left_out_and_counted(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", "one")
    put(tmp_path / "sub" / "README.md", "---\ntitle: x\n---\nA document.")
    put(tmp_path / "README.md", "---\nlicense: mit\n---\n# Card")
    corpus = read_corpus(tmp_path)
    assert ([document.id for document in corpus.documents], corpus.skipped_kinds) == (
        ["a.txt", "sub/README.md"],
        {"about the data": 1},
    )
    put(tmp_path / "README.md", "---\nA line above, and no front matter.\n---\n")
    assert "README.md" in ids(tmp_path)


def test_folders_of_texts_that_are_splits_are_not_pooled(tmp_path: Path) -> None:
    for name in ("train/a.txt", "test/sub/b.txt", "notes.txt"):
        put(tmp_path / name, f"text of {name}")
    error = refusal(tmp_path)
    assert "has 2 splits, each a folder of it: test, train" in error.message
    assert f"{tmp_path}/**/*.txt" in error.hint
    corpus = read_corpus(f"{tmp_path}:test")
    assert ([document.id for document in corpus.documents], corpus.skipped_kinds) == (
        ["test/sub/b.txt"],
        {"of other splits": 2},
    )
    assert len(ids(f"{tmp_path}/**/*.txt")) == 3
    assert "no split 'validation'" in refusal(f"{tmp_path}:validation").message
    archive = zipped(tmp_path / "a.zip", x__train__a_txt="one", x__val__a_txt="two")
    assert "2 splits, each a folder of it: train, validation" in refusal(archive).message
    assert ids(f"{archive}:train") == ["x/train/a.txt"]


def test_a_pattern_follows_links_and_tells_what_it_may_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "outside" / "a.txt", "one")
    put(tmp_path / "in" / "b.txt", "two")
    put(tmp_path / "locked" / "c.txt", "three")
    (tmp_path / "in" / "link").symlink_to(tmp_path / "outside")
    assert ids(f"{tmp_path}/in/**/*.txt") == ["b.txt", "link/a.txt"]
    assert ids(f"{tmp_path}/in/**") == ["b.txt", "link/a.txt"]
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert "locked may not be read" in refusal(f"{tmp_path}/*/*.txt").message
    assert ids(f"{tmp_path}/i?/*.txt") == ["in/b.txt"], "what the pattern does not lead through is left alone"


def test_a_folder_with_a_bracket_in_its_name_is_no_pattern(tmp_path: Path) -> None:
    put(tmp_path / "run[1]" / "a.txt", "one")
    assert ids(tmp_path / "run[1]") == ["a.txt"]
    assert ids(f"{tmp_path}/run[1]/*.txt") == ["a.txt"]
    assert read_paths([f"{tmp_path}/run[1]/*.txt"]) == [(tmp_path / "run[1]" / "a.txt").resolve()]
    assert "not a pattern" in refusal(f"{tmp_path}/*/../a.txt").message
