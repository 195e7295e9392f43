"""A corpus is read, published changed, and comes back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from auditor.core.errors import RunError, UsageError
from auditor.splicing.edit import TextEdit
from auditor.splicing.restore import Restoration, restore
from auditor.splicing.source import SourceCorpus
from auditor.splicing.survival import count_texts

TEXT = "One is first. Two is next. Three is last. Four is over.\n"
ROWS = b'{"text": "Row one. It goes on. It ends. Now.", "n": 1e999}\n{"text": "Row two."}\n{"text": "Row three."}'
PLANT = " A river walked home."


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder of every kind of file."""
    root = tmp_path / "corpus"
    for name, content in {
        "b.txt": TEXT.encode("utf-16"),
        "a.txt": TEXT.encode(),
        "sub/deep/c.md": TEXT.replace("\n", "\r\n").encode(),
        "rows.jsonl": ROWS,
        "page.html": b"<p>One <b>is</b> first. Two is next. Three is last.",
        "table.csv": b'id,text\n1,"One. Two. Three, yes. Four."\n',
        "labels.csv": b"id,label\n1,x\n",
        "README.md": b"One. Two. Three. Four.",
        "LICENSE": b"free",
        "image.png": b"\x89PNG\0",
        ".hidden.txt": b"\xff\0",
        ".config/x.txt": b"\xff",
        "empty.txt": b"",
        ".git/objects/a": b"Row two.",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "empty folder").mkdir()
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def number(corpus: SourceCorpus, name: str) -> int:
    return next(at for at, document in enumerate(corpus.documents) if document.id == name)


def planted(corpus: SourceCorpus, *names: str) -> dict[int, list[TextEdit]]:
    """One sentence in each of some documents, at the first point."""
    points = {number(corpus, name): corpus.insertion_points(number(corpus, name))[0] for name in names}
    return {at: [TextEdit(point, point, PLANT)] for at, point in points.items()}


def test_documents_are_read_in_order_and_other_files_counted(corpus: Path) -> None:
    opened = SourceCorpus.open(corpus)
    assert [document.id for document in opened.documents] == [
        "a.txt",
        "b.txt",
        "empty.txt",
        "page.html",
        "rows.jsonl:1",
        "rows.jsonl:2",
        "rows.jsonl:3",
        "sub/deep/c.md",
        "table.csv:1",
    ]
    assert opened.copied == {"about the data": 2, "hidden": 2, "of other kinds": 1, "tables without texts": 1}
    assert opened.histories == (".git",)
    assert opened.documents[1].text == TEXT


def test_every_untouched_byte_is_published(corpus: Path, tmp_path: Path) -> None:
    opened = SourceCorpus.open(corpus)
    changes = planted(opened, "b.txt", "rows.jsonl:1", "sub/deep/c.md", "table.csv:1")
    withheld = [number(opened, "a.txt"), number(opened, "rows.jsonl:2")]
    restoration = opened.publish(tmp_path / "published", changes=changes, withheld=withheld)
    before, after = contents(corpus), contents(tmp_path / "published")
    assert set(before) - set(after) == {"a.txt", ".git/objects/a"}
    assert {name for name in after if after[name] != before[name]} == {
        "b.txt",
        "rows.jsonl",
        "sub/deep/c.md",
        "table.csv",
    }
    assert after["b.txt"] == TEXT.replace("next.", f"next.{PLANT}").encode("utf-16")
    assert after["rows.jsonl"] == ROWS.replace(b"on.", b"on." + PLANT.encode()).replace(b'{"text": "Row two."}\n', b"")
    assert (tmp_path / "published" / "empty folder").is_dir()
    published = SourceCorpus.open(tmp_path / "published")
    assert published.sha256 == restoration.published
    texts = [document.text for document in published.documents]
    assert count_texts(texts, [PLANT, "Row two.", ""]) == (4, 0, 0)

    back = restore(tmp_path / "published", restoration, tmp_path / "back")
    assert back.exact
    assert (back.returned, back.unaltered, back.changed, back.missing) == (5, len(after) - 4, (), ())
    assert contents(tmp_path / "back") == {name: raw for name, raw in before.items() if not name.startswith(".git/")}
    assert back.sha256 == opened.sha256 == restoration.corpus_before


def test_a_restoration_survives_being_written_down(corpus: Path, tmp_path: Path) -> None:
    opened = SourceCorpus.open(corpus)
    restoration = opened.publish(tmp_path / "published", changes=planted(opened, "b.txt"))
    assert Restoration.model_validate_json(restoration.model_dump_json()) == restoration


def test_one_file_is_a_corpus_and_can_be_put_in_order(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(ROWS)
    opened = SourceCorpus.open(tmp_path / "rows.jsonl")
    restoration = opened.publish(tmp_path / "published", order=[2, 0, 1], withheld=[0])
    assert [document.text for document in SourceCorpus.open(tmp_path / "published").documents] == [
        "Row three.",
        "Row two.",
    ]
    assert restore(tmp_path / "published", restoration, tmp_path / "back").exact
    assert (tmp_path / "back" / "rows.jsonl").read_bytes() == ROWS


def test_parquet_comes_back_and_holds_nothing_of_what_is_withheld(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"text": ["One. Two. Three. Four.", "Secret withheld words.", "Last."], "n": [1, 2, 3]})
    pq.write_table(table, tmp_path / "t.parquet", compression="none")
    raw = (tmp_path / "t.parquet").read_bytes()
    opened = SourceCorpus.open(tmp_path / "t.parquet")
    restoration = opened.publish(tmp_path / "published", changes=planted(opened, "t.parquet:1"), withheld=[1])
    published = (tmp_path / "published" / "t.parquet").read_bytes()
    assert b"Secret" in raw
    assert b"Secret" not in published
    assert pq.read_table(tmp_path / "published" / "t.parquet").column("n").to_pylist() == [1, 3]
    assert restore(tmp_path / "published", restoration, tmp_path / "back").exact
    assert (tmp_path / "back" / "t.parquet").read_bytes() == raw


def test_a_copy_that_lives_on_gives_back_what_is_found_once(corpus: Path, tmp_path: Path) -> None:
    opened = SourceCorpus.open(corpus)
    names = ("a.txt", "b.txt", "rows.jsonl:1", "sub/deep/c.md", "page.html", "table.csv:1")
    changes = planted(opened, *names[:4], "table.csv:1")
    changes[number(opened, "page.html")] = [TextEdit(0, 3, "1")]
    restoration = opened.publish(tmp_path / "published", changes=changes, withheld=[number(opened, "rows.jsonl:2")])
    live = tmp_path / "published"
    text = (live / "a.txt").read_text()
    (live / "a.txt").write_text("New first line. " + text)
    (live / "b.txt").write_bytes(TEXT.encode("utf-16"))
    (live / "rows.jsonl").write_bytes((live / "rows.jsonl").read_bytes() + b'\n{"text": "A new row."}')
    (live / "sub/deep/c.md").write_bytes(b"\xff")
    (live / "page.html").write_bytes((live / "page.html").read_bytes().replace(b"<p>", b"<p class=x>") + b"</p>")
    shutil.copy(live / "a.txt", live / "new.txt")
    (live / "table.csv").unlink()
    back = restore(live, restoration, tmp_path / "back")
    after = contents(tmp_path / "back")
    assert not back.exact
    assert after["a.txt"].decode() == "New first line. " + TEXT
    assert after["b.txt"] == TEXT.encode("utf-16")
    assert after["page.html"] == b"<p class=x>One <b>is</b> first. Two is next. Three is last.</p>"
    assert {(each.file, each.undone, each.left, each.lacks) for each in back.changed} == {
        ("a.txt", 1, 0, 0),
        ("rows.jsonl", 1, 0, 1),
        ("sub/deep/c.md", 0, 1, 0),
        ("page.html", 1, 0, 0),
    }
    assert next(each for each in back.changed if each.reason).reason.startswith(
        "sub/deep/c.md: line 1: not valid UTF-8"
    )
    assert back.missing == ("table.csv",)
    assert back.added == ("new.txt",)
    assert PLANT.encode() in after["new.txt"]
    assert PLANT.encode() not in after["rows.jsonl"]


def test_files_that_were_published_as_they_were_are_held_against_that(corpus: Path, tmp_path: Path) -> None:
    opened = SourceCorpus.open(corpus)
    restoration = opened.publish(tmp_path / "published", changes=planted(opened, "a.txt"))
    (tmp_path / "published" / "added").write_text("x")
    assert restore(tmp_path / "published", restoration, tmp_path / "first").exact
    (tmp_path / "published" / "image.png").write_bytes(b"other")
    (tmp_path / "published" / "LICENSE").unlink()
    back = restore(tmp_path / "published", restoration, tmp_path / "back")
    assert not back.exact
    assert [each.file for each in back.changed] == ["image.png"]
    assert (back.missing, back.added) == (("LICENSE",), ("added",))
    assert contents(tmp_path / "back")["a.txt"] == TEXT.encode()


def test_a_plant_that_stands_twice_is_left(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "a.txt").write_text(TEXT)
    opened = SourceCorpus.open(tmp_path / "c")
    restoration = opened.publish(tmp_path / "p", changes={0: [TextEdit(26, 26, " A plant that is long enough.")]})
    live = (tmp_path / "p" / "a.txt").read_text()
    (tmp_path / "p" / "a.txt").write_text(live + live)
    (change,) = restore(tmp_path / "p", restoration, tmp_path / "back").changed
    assert (change.undone, change.left) == (0, 1)
    assert (tmp_path / "back" / "a.txt").read_text() == live + live


def refused(make: object, *words: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.hint
    assert all(word in caught.value.message for word in words), caught.value.message


def test_links_are_refused_wherever_they_are(corpus: Path) -> None:
    (corpus / "sub" / "link.txt").symlink_to(corpus / "a.txt")
    refused(lambda: SourceCorpus.open(corpus), "sub/link.txt: a symbolic link")
    (corpus / "sub" / "link.txt").unlink()
    (corpus / "elsewhere").symlink_to(corpus.parent)
    refused(lambda: SourceCorpus.open(corpus), "elsewhere: a symbolic link")
    (corpus / "elsewhere").unlink()
    os.mkfifo(corpus / "pipe")
    refused(lambda: SourceCorpus.open(corpus), "pipe: not a regular file")


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.txt")).write_text("a")
    refused(lambda: SourceCorpus.open(tmp_path), "is not UTF-8")


def test_a_file_that_cannot_be_spliced_is_named_with_its_line(corpus: Path) -> None:
    (corpus / "sub" / "odd.txt").write_bytes(b"One.\nTw\xf6.")
    refused(
        lambda: SourceCorpus.open(corpus), f"{corpus}/sub/odd.txt: line 2: not valid UTF-8: byte 0xf6 at byte offset 7"
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.jsonl.gz", b"\x1f\x8b", "compressed documents"),
        ("x.txt", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "a Git LFS pointer"),
        ("x.jsonl", b'{"text": "a"}\n{"label": 1}', "x.jsonl: line 2: no column 'text'"),
    ],
)
def test_what_stands_for_documents_is_refused(corpus: Path, name: str, content: bytes, words: str) -> None:
    (corpus / name).write_bytes(content)
    refused(lambda: SourceCorpus.open(corpus), name, words)


def test_a_corpus_without_documents_is_refused(tmp_path: Path) -> None:
    refused(lambda: SourceCorpus.open(tmp_path), "no documents")
    refused(lambda: SourceCorpus.open(tmp_path / "none"), "no such file or folder")
    (tmp_path / "a.bin").write_bytes(b"a")
    refused(lambda: SourceCorpus.open(tmp_path / "a.bin"), "no documents")
    (tmp_path / "t.csv").write_bytes(b"id,body\n1,b\n")
    refused(lambda: SourceCorpus.open(tmp_path), "t.csv: line 1: no column 'text'")
    assert len(SourceCorpus.open(tmp_path, text_column="body").documents) == 1


def test_the_copy_is_apart_and_new(corpus: Path) -> None:
    opened = SourceCorpus.open(corpus)
    for to in (corpus, corpus / "below", corpus.parent, corpus / ".." / "corpus" / "x"):
        refused(lambda to=to: opened.publish(to), "lie in one another")
    (corpus.parent / "full").mkdir()
    (corpus.parent / "full" / "x").write_text("x")
    refused(lambda: opened.publish(corpus.parent / "full"), "holds something already")
    (corpus.parent / "empty").mkdir()
    opened.publish(corpus.parent / "empty")
    assert contents(corpus.parent / "empty")["a.txt"] == TEXT.encode()


def test_a_corpus_that_changed_meanwhile_is_not_published(corpus: Path) -> None:
    opened = SourceCorpus.open(corpus)
    (corpus / "image.png").write_bytes(b"other")
    refused(lambda: opened.publish(corpus.parent / "to"), "image.png: it changed")
    assert sorted(path.name for path in corpus.parent.iterdir()) == ["corpus"]


def test_numbers_and_edits_that_fit_nothing_are_refused(corpus: Path, tmp_path: Path) -> None:
    opened = SourceCorpus.open(corpus)
    edit = TextEdit(0, 1, "x")
    for options in (
        {"withheld": [99]},
        {"changes": {-1: [edit]}},
        {"changes": {0: [edit]}, "withheld": [0]},
        {"changes": {0: [edit, edit]}},
        {"order": [0]},
        {"order": list(range(9)), "changes": {0: [edit]}},
    ):
        with pytest.raises(ValueError, match=r"document|edit"):
            opened.publish(tmp_path / "to", **options)  # type: ignore[arg-type]
    refused(lambda: opened.publish(tmp_path / "to", order=list(range(9))), "several files")
    assert not (tmp_path / "to").exists()


@pytest.mark.parametrize(
    ("name", "edit", "words"),
    [
        ("a.txt", TextEdit(0, 0, "\0"), "a.txt, changed: line 1: NUL"),
        ("a.txt", TextEdit(0, 0, "\ud800"), "lone surrogate"),
        ("page.html", TextEdit(4, 4, "two  spaces"), "page.html: a change of its texts does not read back"),
        ("page.html", TextEdit(2, 6, ""), "page.html: characters 2 to 6 of the text are not one piece"),
    ],
)
def test_a_change_that_a_format_cannot_hold_publishes_nothing(
    corpus: Path, tmp_path: Path, name: str, edit: TextEdit, words: str
) -> None:
    opened = SourceCorpus.open(corpus)
    refused(lambda: opened.publish(tmp_path / "to", changes={number(opened, name): [edit]}), words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]


def test_a_full_disk_publishes_nothing(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = SourceCorpus.open(corpus)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match="No space left on device"):
        opened.publish(tmp_path / "to")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus"]


def test_a_process_that_is_killed_leaves_nothing_half(corpus: Path, tmp_path: Path) -> None:
    opened = SourceCorpus.open(corpus)
    child = os.fork()
    if child == 0:
        written = Path.write_bytes

        def once(path: Path, data: bytes) -> int:
            written(path, data)
            os._exit(9)

        Path.write_bytes = once  # type: ignore[assignment,method-assign]
        opened.publish(tmp_path / "to")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert [path.suffix for path in tmp_path.iterdir() if path.name != "corpus"] == [".part"]
    opened.publish(tmp_path / "to")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["corpus", "to"]
