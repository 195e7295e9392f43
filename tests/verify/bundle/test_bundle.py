"""A bundle holds one audit, is the same wherever it is made, and is read as something that may do harm."""

from __future__ import annotations

import csv
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from auditor.cli.main import run
from auditor.core.errors import UsageError
from auditor.report.renderer import write_outputs
from auditor.results.io import with_content_digest
from auditor.results.result import AuditResult
from auditor.verify.bundle.archive import MOST_RATIO, pack, unpack
from auditor.verify.bundle.contents import BundleManifest, digests

Entry = Callable[[zipfile.ZipInfo], None]


@pytest.fixture
def plain(small: AuditResult, tmp_path: Path) -> Path:
    """The result without excerpts."""
    documents = tuple(document.model_copy(update={"excerpt": None, "marks": None}) for document in small.documents)
    write_outputs(with_content_digest(small.model_copy(update={"documents": documents})), [tmp_path / "plain.json"])
    return tmp_path / "plain.json"


@pytest.fixture
def bundle(plain: Path, tmp_path: Path) -> Path:
    assert run(["bundle", str(plain), "-o", str(tmp_path / "a.zip"), "-q"]) == 0
    return tmp_path / "a.zip"


def test_a_bundle_holds_result_features_report_and_digests_and_no_text(bundle: Path, plain: Path) -> None:
    files = unpack(bundle)
    assert sorted(files) == ["features.csv", "manifest.json", "report.html", "result.json"]
    assert files["result.json"] == plain.read_bytes()
    assert json.loads(files["manifest.json"])["files"] == digests(
        {k: v for k, v in files.items() if k != "manifest.json"}
    )
    assert b"Jugs" not in b"".join(files.values())


def test_the_table_has_a_row_a_document_and_every_figure_exactly(bundle: Path, small: AuditResult) -> None:
    rows = list(csv.DictReader(io.StringIO(unpack(bundle)["features.csv"].decode())))
    kept = small.measurements
    assert kept is not None
    assert [row["id"] for row in rows] == [document.id for document in small.documents]
    for name, values in zip((c.name for c in kept.features.columns), kept.features.values.T.tolist(), strict=True):
        assert [float(row[name]) if row[name] else None for row in rows] == [None if v != v else v for v in values]
    assert {"control older: bits-per-byte", "procedure llm-di: perplexity"} <= set(rows[0])


@pytest.mark.usefixtures("drawn_anew")
def test_the_same_result_gives_the_same_bytes(bundle: Path, plain: Path, tmp_path: Path) -> None:
    assert run(["bundle", str(plain), "-o", str(tmp_path / "b.zip")]) == 0
    assert (tmp_path / "b.zip").read_bytes() == bundle.read_bytes()


def test_a_bundle_is_verified(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(bundle)]) == 0
    assert "bundle         4 files" in capsys.readouterr().out


def test_texts_go_in_with_reveal_only_and_prove_what_is_kept_of_them(
    audit_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, out = str(audit_folder / "result.json"), tmp_path / "r.zip"
    assert run(["bundle", result, "-o", str(out)]) == 2
    assert "holds excerpts" in capsys.readouterr().err
    assert run(["bundle", result, "-o", str(out), "--reveal"]) == 0
    assert run(["verify", str(out)]) == 0
    assert "the text baseline and the overlap follow" in capsys.readouterr().out
    files = unpack(out)
    assert files["texts/suspect/000002.txt"] == b"Jugs"
    files["texts/suspect/000002.txt"] = b"Mugs"
    assert run(["verify", str(remade(tmp_path, files))]) == 1
    assert "texts/suspect/000002.txt: stored" in capsys.readouterr().out


def test_texts_of_other_documents_are_refused(audit_folder: Path, tmp_path: Path) -> None:
    moved = ["--data", f"suspect={audit_folder / 'heldout.jsonl'}"]
    result = str(audit_folder / "result.json")
    assert run(["bundle", result, "-o", str(tmp_path / "r.zip"), "--reveal", *moved]) == 2
    assert run(["bundle", result, "-o", str(tmp_path / "r.zip"), *moved]) == 2
    assert not list(tmp_path.iterdir())


def test_a_result_that_was_changed_is_not_bundled(plain: Path, tmp_path: Path) -> None:
    plain.write_text(plain.read_text(encoding="utf-8").replace('"name": "a small one"', '"name": "another"'))
    assert run(["bundle", str(plain), "-o", str(tmp_path / "a.zip")]) == 2


@pytest.mark.parametrize("name", ["a.tar", "a", "folder.zip", "plain.json"])
def test_outputs_that_cannot_be_are_refused(name: str, plain: Path, tmp_path: Path) -> None:
    (tmp_path / "folder.zip").mkdir()
    before = plain.read_bytes()
    assert run(["bundle", str(plain), "-o", str(tmp_path / name)]) == 2
    assert plain.read_bytes() == before


def remade(folder: Path, files: dict[str, bytes]) -> Path:
    """A bundle of changed files, with a manifest that has their digests."""
    rest = {name: data for name, data in files.items() if name != "manifest.json"}
    manifest = BundleManifest.model_validate_json(files["manifest.json"]).model_copy(update={"files": digests(rest)})
    path = folder / "remade.zip"
    path.write_bytes(pack({**rest, "manifest.json": manifest.model_dump_json().encode()}))
    return path


@pytest.mark.parametrize("name", ["features.csv", "report.html"])
def test_a_table_or_report_that_the_result_does_not_give_is_found(name: str, bundle: Path, tmp_path: Path) -> None:
    files = unpack(bundle)
    files[name] = files[name].replace(b"0", b"1", 1)
    assert run(["verify", str(remade(tmp_path, files))]) == 1
    del files[name]
    assert run(["verify", str(remade(tmp_path, files))]) == 1


def test_a_file_too_many_is_found(bundle: Path, tmp_path: Path) -> None:
    files = {**unpack(bundle), "notes.txt": b"the lawyer said"}
    assert run(["verify", str(remade(tmp_path, files))]) == 1


def test_digests_that_were_not_remade_are_found(bundle: Path, tmp_path: Path) -> None:
    files = unpack(bundle)
    files["report.html"] += b"<!-- -->"
    path = tmp_path / "c.zip"
    path.write_bytes(pack(files))
    assert run(["verify", str(path)]) == 1


def whole(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files with a manifest that names them and an empty result."""
    files = {"result.json": b"{}", **files}
    manifest = BundleManifest(auditor_version="0", matplotlib_version="0", files=digests(files))
    return {**files, "manifest.json": manifest.model_dump_json().encode()}


def named(name: str) -> Entry:
    return lambda entry: setattr(entry, "filename", name)


def linked(entry: zipfile.ZipInfo) -> None:
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16


HOSTILE: dict[str, Entry] = {
    "traversal": named("../../evil.txt"),
    "absolute": named("/etc/evil.txt"),
    "drive": named("C:/evil.txt"),
    "backslash": named("..\\evil.txt"),
    "dot": named("texts/./evil.txt"),
    "control character": named("evil\x1b.txt"),
    "folder": named("evil/"),
    "pickle": named("weights.PKL"),
    "twice": named("RESULT.json"),
    "link": linked,
}


@pytest.mark.parametrize("bend", HOSTILE.values(), ids=HOSTILE)
def test_hostile_entries_are_refused_and_nothing_is_written(bend: Entry, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = folder / "evil.zip"
    path.write_bytes(pack(whole({})))
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo("evil.txt")
        bend(entry)
        archive.writestr(entry, b"evil")
    with pytest.raises(UsageError, match="is refused"):
        unpack(path)
    assert run(["verify", str(path)]) == 2
    assert list(folder.iterdir()) == [path]


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("result.json", b" " * 50_000_000)
    with pytest.raises(UsageError, match="far more than"):
        unpack(path)


@pytest.mark.long
def test_many_small_entries_that_unpack_to_far_more_are_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a megabyte that would fill half a gigabyte."""
    path = tmp_path / "bomb.zip"
    block = bytes(1_000_000)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("result.json", b"{}")
        archive.writestr("manifest.json", b"{}")
        for place in range(500):
            archive.writestr(f"f{place}", block)
    assert path.stat().st_size < 600_000
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(UsageError, match="far more than it is packed in"):
        unpack(path)


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """Each of them is of a sound size, all together are not."""
    path = tmp_path / "a.zip"
    entry = zipfile.ZipInfo("0")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, bytes(range(256)) * 400)
        for place in range(200):
            again = zipfile.ZipInfo(str(place + 1))
            again.file_size = again.compress_size = entry.file_size
            again.header_offset, again.CRC = entry.header_offset, entry.CRC
            archive.filelist.append(again)
        archive._didModify = True  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match="more than a bundle of its size may have"):
        unpack(path)


def test_what_the_manifest_does_not_name_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = tmp_path / "a.zip", []
    path.write_bytes(pack({**whole({}), "more.txt": b"more"}))
    real = zipfile.ZipFile.open

    def noted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
        opened.append(entry.filename)
        return real(archive, entry)

    monkeypatch.setattr(zipfile.ZipFile, "open", noted)
    with pytest.raises(UsageError, match="does not name it"):
        unpack(path)
    assert opened == ["manifest.json"]


@pytest.mark.parametrize("written", [b"{}", b"[", b'"' + b"x" * 5_000 + b'"'])
def test_a_manifest_that_is_none_is_refused(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(pack({"result.json": b"{}", "manifest.json": written}))
    with pytest.raises(UsageError, match=r"manifest\.json"):
        unpack(tmp_path / "a.zip")


def test_more_than_would_be_read_is_not_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditor.verify.bundle.archive.MOST_BYTES", 10)
    with pytest.raises(UsageError, match="more than a bundle may have"):
        pack({"a.txt": b"eleven byte"})


def test_an_encrypted_entry_and_one_that_lies_about_its_size_are_refused(tmp_path: Path) -> None:
    raw = bytearray(pack(whole({"a.txt": b"a"})))
    at = raw.index(b"PK\x01\x02")
    encrypted = raw.copy()
    encrypted[at + 8] |= 1
    (tmp_path / "e.zip").write_bytes(encrypted)
    with pytest.raises(UsageError, match="encrypted"):
        unpack(tmp_path / "e.zip")
    size = int.from_bytes(raw[at + 24 : at + 28], "little")
    raw[at + 24 : at + 28] = (size + 7).to_bytes(4, "little")
    (tmp_path / "s.zip").write_bytes(raw)
    with pytest.raises(UsageError, match="no whole zip"):
        unpack(tmp_path / "s.zip")


def test_a_text_that_repeats_itself_is_packed_so_that_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    data = b"again and " * 400_000
    files = whole({"a.txt": data, **{f"{place}.txt": data[:5_000] for place in range(40)}})
    path.write_bytes(pack(files))
    assert unpack(path) == files
    assert len(data) > MOST_RATIO * 1000


def test_a_name_that_would_be_a_formula_is_none(small: AuditResult) -> None:
    from auditor.verify.bundle.table import features_csv

    first = small.documents[0].model_copy(update={"id": "=HYPERLINK(1)", "group": "@SUM(1)"})
    table = features_csv(small.model_copy(update={"documents": (first, *small.documents[1:])})).decode()
    assert ",'=HYPERLINK(1),'@SUM(1)," in table


def bent(raw: bytes, at: bytes, offset: int, value: bytes) -> bytes:
    """An archive with some bytes behind a signature replaced."""
    start = raw.index(at) + offset
    return raw[:start] + value + raw[start + len(value) :]


def gapped(raw: bytes) -> bytes:
    """An archive with bytes between its last file and its directory, whose end says so."""
    at, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    moved = (int.from_bytes(raw[end + 16 : end + 20], "little") + 4).to_bytes(4, "little")
    return raw[:at] + b"more" + raw[at:end] + raw[end : end + 16] + moved + raw[end + 20 :]


def shared(raw: bytes) -> bytes:
    """An archive whose second file is said to lie where the first one lies."""
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    return raw[: second + 42] + bytes(4) + raw[second + 46 :]


STRAYS: dict[str, Callable[[bytes], bytes]] = {
    "in front": lambda raw: b'{"schema_version": "2.0"}' + raw,
    "a script in front": lambda raw: b"#!/bin/sh\nexit\n" + raw,
    "behind": lambda raw: raw + b"\n",
    "another archive behind": lambda raw: raw + raw,
    "a comment": lambda raw: bent(raw, b"PK\x05\x06", 20, b"\x04\x00") + b"more",
    "an empty comment that is announced": lambda raw: bent(raw, b"PK\x05\x06", 20, b"\x01\x00"),
    "between": gapped,
    "one place of two files": shared,
    "another time": lambda raw: bent(raw, b"PK\x01\x02", 12, b"\x01\x00"),
    "another time in the file": lambda raw: bent(raw, b"PK\x03\x04", 10, b"\x01\x00"),
    "another size in the file": lambda raw: bent(raw, b"PK\x03\x04", 22, b"\x07"),
    "another system": lambda raw: bent(raw, b"PK\x01\x02", 5, b"\x00"),
    "other attributes": lambda raw: bent(raw, b"PK\x01\x02", 36, b"\x01"),
    "cut short": lambda raw: raw[:-1],
}


@pytest.mark.parametrize("change", STRAYS.values(), ids=STRAYS)
def test_an_archive_is_its_files_and_nothing_else(change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    raw = pack(whole({"a.txt": b"a", "b.txt": b"b"}))
    (tmp_path / "a.zip").write_bytes(raw)
    assert set(unpack(tmp_path / "a.zip")) == {"a.txt", "b.txt", "manifest.json", "result.json"}
    (tmp_path / "b.zip").write_bytes(change(raw))
    with pytest.raises(UsageError):
        unpack(tmp_path / "b.zip")
    assert run(["verify", str(tmp_path / "b.zip")]) == 2


@pytest.mark.long
def test_an_archive_of_many_files_or_of_names_beyond_ascii_is_read(tmp_path: Path) -> None:
    files = whole({**{f"{number}.txt": b"" for number in range(65_540)}, "naïve.txt": b"a"})
    (tmp_path / "a.zip").write_bytes(pack(files))
    assert unpack(tmp_path / "a.zip") == files
