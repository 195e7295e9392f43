"""Whatever bytes stand where data should be, they become documents or a message; never a traceback, never a wait."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from auditor.core.errors import UsageError
from auditor.corpora import streams
from auditor.corpora.document import Document
from auditor.corpora.read import read_corpus

LIMITS = {"deadline": datetime.timedelta(seconds=20), "suppress_health_check": list(HealthCheck), "database": None}
SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")

_TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "",
            " ",
            "\ufeff",
            "\u2028",
            "\x85",
            "\x0b",
            "a\x00b",
            "\x1b[31m",
            '"',
            "a,b",
            "a\r\nb",
            "\U0010ffff",
            "<script>",
        ]
    ),
)
_CELLS = st.one_of(
    _TEXTS,
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(_TEXTS, _TEXTS, max_size=2),
)
_ROWS = st.lists(st.dictionaries(st.sampled_from(["text", "id", "group", "Text", ""]), _CELLS, max_size=4), max_size=6)
_PIECES = st.one_of(
    st.binary(max_size=8),
    st.sampled_from(
        [
            b"\x00",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"\x1f\x8b\x08",
            b"PAR1",
            b"\x80\x04\x95",
            b"\n",
            b"\r",
            b'"',
            b"\\",
            b'"\\ud800"',
            b"[" * 3000,
            b'{"a":' * 3000,
            b"9" * 5000,
            b"1e999",
            b"NaN",
            b"-Infinity",
            b",",
            b"]",
            b"}",
        ]
    ),
)


@st.composite
def _mutations(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """Up to three cuts, insertions and replacements at places that scale with the length."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["cut", "insert", "replace", "repeat", "turn"]),
                st.floats(0, 1),
                _PIECES,
                st.integers(1, 40),
            ),
            max_size=3,
        )
    )

    def mutate(data: bytes) -> bytes:
        for what, place, piece, length in steps:
            at = int(place * len(data))
            if what == "cut":
                data = data[:at]
            elif what == "insert":
                data = data[:at] + piece + data[at:]
            elif what == "replace":
                data = data[:at] + piece + data[at + length :]
            elif what == "repeat":
                data = data[:at] + data[at : at + length] * 3 + data[at + length :]
            elif data:
                at = min(at, len(data) - 1)
                data = data[:at] + bytes([data[at] ^ (1 << length % 8)]) + data[at + 1 :]
        return data

    return mutate


def _as_csv(rows: list[dict[str, Any]]) -> bytes:
    import csv

    out = io.StringIO()
    writer = csv.DictWriter(out, ["text", "id", "group"], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def _as_parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [str(row.get(name)) for row in rows] for name in ("text", "id", "group")}
    out = io.BytesIO()
    pq.write_table(pa.table({**columns, "number": list(range(len(rows)))}), out)
    return out.getvalue()


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    ".jsonl": lambda rows: "\n".join(map(json.dumps, rows)).encode(),
    ".json": lambda rows: json.dumps(rows).encode(),
    ".csv": _as_csv,
    ".parquet": _as_parquet,
}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def reads(source: Path, root: Path, **options: Any) -> bool:
    """Read what lies there: documents that can be written down, or a message; and nothing is touched."""
    before, said = tree(root), ""
    documents: tuple[Document, ...] = ()
    try:
        documents = read_corpus(source, **options).documents
    except UsageError as error:
        said = error.message
    assert bool(documents) != bool(said)
    said.encode("utf-8", "backslashreplace")
    for document in documents:
        "".join([document.text, document.id, document.group, *document.metadata.values()]).encode("utf-8")
    assert tree(root) == before
    return bool(documents)


def file_case(suffix: str, zipped: int, data: bytes, options: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(zipped):
            data = gzip.compress(data, 1, mtime=0)
        path = Path(folder) / f"data{suffix}{'.gz' if zipped else ''}"
        path.write_bytes(data)
        reads(path, Path(folder), **options)


_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "text_column": st.sampled_from(["text", "id", "", "\x00"]),
        "group_column": st.sampled_from(["group", "id", "none"]),
        "limit": st.integers(1, 3),
    },
)
_FILES = st.tuples(
    st.sampled_from(SUFFIXES), st.sampled_from([0, 0, 1, 2]), _ROWS, _mutations(), _mutations(), _OPTIONS
)


def any_file(case: tuple[Any, ...]) -> None:
    suffix, zipped, rows, mutate, mutate_again, options = case
    data = mutate(WRITERS[suffix](rows))
    if zipped == 1:
        data, zipped = mutate_again(gzip.compress(data, 1, mtime=0)), 0
        suffix += ".gz"
    file_case(suffix, zipped, data, options)


@pytest.mark.long
@settings(max_examples=150, **LIMITS)
@given(_FILES)
def test_files(case: tuple[Any, ...]) -> None:
    any_file(case)


@pytest.mark.slow
@settings(max_examples=4000, **LIMITS)
@given(_FILES)
def test_many_files(case: tuple[Any, ...]) -> None:
    any_file(case)


@settings(max_examples=40, **LIMITS)
@given(st.sampled_from(SUFFIXES), st.integers(0, 2), st.binary(max_size=200))
@example(".json", 0, b"[" * 200_000)
@example(".jsonl", 0, b'{"text":' * 100_000)
@example(".jsonl", 0, b'{"text": ' + b"9" * 100_000 + b"}")
@example(".csv", 0, b'text\n"' + b"a\n" * 1000)
@example(".parquet", 0, b"PAR1" + b"\xff" * 40 + b"\xff\xff\xff\x7fPAR1")
@example(".parquet", 0, b"PAR1PAR1")
def test_bytes(suffix: str, zipped: int, data: bytes) -> None:
    file_case(suffix, zipped, data, {})


_NAMES = st.one_of(
    st.sampled_from(
        ["a.txt", "b.md", ".hidden.txt", "sub/c.txt", "sub/deep/d.TXT", "e.pdf", "f.txt.gz", "g", "-o.txt"]
    ),
    st.text("ab\n\x1b é\u202e", min_size=1, max_size=6).map(lambda name: f"{name}.txt"),
)


def any_folder(files: dict[str, bytes], by_parent: bool) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "data"
        folder.mkdir()
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        reads(folder, Path(root), group_by="parent" if by_parent else "document")


_FOLDERS = st.dictionaries(_NAMES, st.one_of(_TEXTS.map(str.encode), st.binary(max_size=20)), max_size=5)


@settings(max_examples=60, **LIMITS)
@given(_FOLDERS, st.booleans())
def test_folders(files: dict[str, bytes], by_parent: bool) -> None:
    any_folder(files, by_parent)


@pytest.mark.slow
@settings(max_examples=600, **LIMITS)
@given(_FOLDERS, st.booleans())
def test_many_folders(files: dict[str, bytes], by_parent: bool) -> None:
    any_folder(files, by_parent)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder saved by `datasets`, with splits."""
    import datasets

    folder = tmp_path_factory.mktemp("saved") / "set"
    rows = {"text": [f"text {number}" for number in range(5)], "label": [0, 1, 0, 1, 0]}
    datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows)}).save_to_disk(str(folder))
    return folder


_PLACES = st.sampled_from(
    ["dataset_dict.json", "train/state.json", "train/dataset_info.json", "train/data-00000-of-00001.arrow"]
)


def any_saved(saved: Path, place: str, mutate: Callable[[bytes], bytes]) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = shutil.copytree(saved, Path(root) / "set")
        (folder / place).write_bytes(mutate((saved / place).read_bytes()))
        reads(folder, Path(root))


@settings(max_examples=30, **LIMITS)
@given(_PLACES, _mutations())
def test_saved_datasets(saved: Path, place: str, mutate: Callable[[bytes], bytes]) -> None:
    any_saved(saved, place, mutate)


@pytest.mark.slow
@settings(max_examples=1000, **LIMITS)
@given(_PLACES, _mutations())
def test_many_saved_datasets(saved: Path, place: str, mutate: Callable[[bytes], bytes]) -> None:
    any_saved(saved, place, mutate)


@pytest.mark.parametrize("offset", [-8, -(2**31), 2**20, 2**31 - 1])
def test_cells_that_point_out_of_their_file_are_not_followed(saved: Path, tmp_path: Path, offset: int) -> None:
    """Arrow maps a file and trusts its offsets; what lies beyond is other memory."""
    folder = shutil.copytree(saved, tmp_path / "set")
    path = folder / "train" / "data-00000-of-00001.arrow"
    data = path.read_bytes()
    # Where each of the five texts of six bytes begins, and the end.
    begins = np.arange(0, 36, 6, dtype="<i4").tobytes()
    assert data.count(begins) == 1
    wrong = np.array([0, 6, 12, offset, 24, 30], dtype="<i4").tobytes()
    path.write_bytes(data.replace(begins, wrong))
    with pytest.raises(UsageError, match="damaged"):
        read_corpus(folder)


@pytest.mark.parametrize(
    "state",
    [
        {"_data_files": [{"filename": "../../secret.arrow"}]},
        {"_data_files": [{"filename": "/etc/passwd"}]},
        {"_data_files": []},
        {"_data_files": None},
    ],
)
def test_a_saved_dataset_does_not_lead_out_of_its_folder(saved: Path, tmp_path: Path, state: dict[str, Any]) -> None:
    folder = shutil.copytree(saved, tmp_path / "set")
    shutil.copy(saved / "train" / "data-00000-of-00001.arrow", tmp_path / "secret.arrow")
    path = folder / "train" / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **state}))
    assert not reads(folder, tmp_path)


def test_a_gzip_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that would become four times what may be held: refused at the limit, whatever the reader."""
    import auditor.corpora.readers.json_array as json_array
    import auditor.corpora.readers.parquet as parquet

    limit = 2**20
    monkeypatch.setattr(streams, "MAX_DOCUMENT_BYTES", limit)
    for module in (json_array, parquet):
        monkeypatch.setattr(module, "MAX_WHOLE_FILE_BYTES", limit)
    for suffix in SUFFIXES:
        path = tmp_path / f"bomb{suffix}.gz"
        path.write_bytes(gzip.compress(b'["' + b"a" * (4 * limit), 9))
        assert path.stat().st_size < limit / 100
        with pytest.raises(UsageError, match="MiB"):
            read_corpus(path)
