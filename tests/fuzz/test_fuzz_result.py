"""Whatever an edited result.json or bundle holds, it is rendered and verified, or refused; a page stays a page."""

from __future__ import annotations

import copy
import datetime
import functools
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import html5lib
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from support.texts import WORDS

import auditor
from auditor.core.errors import AuditorError
from auditor.core.text import visible
from auditor.report.renderer import renderers
from auditor.results.io import load_result, with_content_digest
from auditor.results.result import AuditResult
from auditor.verify.bundle.archive import pack, unpack
from auditor.verify.bundle.contents import BundleManifest, digests
from auditor.verify.bundle.make import make_bundle
from auditor.verify.check import verify
from auditor.verify.open import open_subject
from auditor.verify.text import render_text

LIMITS = {"deadline": datetime.timedelta(seconds=60), "suppress_health_check": list(HealthCheck), "database": None}
# A page takes a second, so a case that fails is told as it was found.
PAGES = {**LIMITS, "phases": (Phase.explicit, Phase.generate)}
HOSTILE = (
    "</style></title></textarea><script>alert(1)</script><img src=x onerror=alert(2)> \" ' & &lt; &#60; {{ 7*7 }} "
    "{% raw %} <svg/onload=alert(3)> ]]> <!-- --!> "
    "<a href=javascript:alert(4)>x</a> \u202egnp\u202c \x1b[31m \x00 é 漢 🦉"
)


@pytest.fixture(scope="module")
def result_file(
    tiny_model_dir: Path, make_tiny_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A real result with all that a result can have: a series, a reference, a published procedure, texts revealed."""
    folder = tmp_path_factory.mktemp("result")
    sides = []
    for seed, side in enumerate(("suspect", "heldout")):
        rng = np.random.default_rng(seed)
        rows = [{"text": " ".join(rng.choice(WORDS, size=14)), "label": str(row % 2)} for row in range(8)]
        sides.append(folder / f"{side}.jsonl")
        sides[-1].write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    later = make_tiny_model(folder / "later", seed=1)
    result = auditor.check(
        *sides,
        model=tiny_model_dir,
        references=[later],
        checkpoints={"base": tiny_model_dir, "later": later},
        procedures=["llm-di"],
        permutations=1999,
        reveal=True,
        cache_dir=folder / "cache",
    )
    auditor.write_outputs(result, [folder / "r.json"])
    return folder / "r.json"


Place = tuple[str | int, ...]


def places(tree: Any, at: Place = ()) -> Iterator[Place]:
    """Every place in a tree but its top, those of a list by its first and last entries alone."""
    if isinstance(tree, dict):
        below: list[tuple[str | int, Any]] = list(tree.items())
    elif isinstance(tree, list):
        below = [(index, tree[index]) for index in sorted({0, len(tree) - 1}) if tree]
    else:
        return
    for key, value in below:
        yield (*at, key)
        yield from places(value, (*at, key))


def holder(tree: Any, place: Place) -> Any:
    return functools.reduce(lambda value, key: value[key], place[:-1], tree)


@functools.cache
def original(path: Path) -> tuple[str, tuple[Place, ...]]:
    written = path.read_text(encoding="utf-8")
    return written, tuple(places(json.loads(written)))


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 2, 10**15, -(10**15), 10**30, 0.5, 1e-320, 1e308, -0.0, 1e-9, 0.05, 100000]),
    st.floats(allow_nan=True),
    st.text(max_size=10),
    st.sampled_from([HOSTILE, "", " ", "\n", "x" * 5000, "\ud800", "EVIDENCE", "W", "check", "guard:blind", "../../x"]),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["like", "like", "like", "scale", "scale", "double", "clear", "swap", "set", "drop"]),
        st.floats(0, 0.9999),
        _VALUES,
        st.floats(0, 0.9999),
    ),
    min_size=1,
    max_size=3,
)


_LIKE: dict[type, list[Any]] = {
    str: [HOSTILE, "", " ", "x" * 5000, "\u202e", "EVIDENCE", "A", "W", "check", "forget", "loss", "../../x", "100%"],
    int: [0, 1, 2, 3, 10**6, 10**15, -1],
    float: [0.0, 1.0, 0.5, -1.0, 1e-320, -1e15, 1e15, 1e-9, 0.05, -0.0],
    bool: [True, False],
    type(None): ["", 0, 0.5, HOSTILE, []],
}


def like(old: Any, share: float) -> Any:
    """Something of the same kind."""
    choice = _LIKE.get(type(old))
    return old if choice is None else choice[int(share * len(choice))]


def edited(path: Path, edits: list[tuple[str, float, Any, float]]) -> str:
    written, where = original(path)
    tree = json.loads(written)
    for what, share, value, other in edits:
        place = where[int(share * len(where))]
        try:
            above, key = holder(tree, place), place[-1]
            old = above[key]
            if what == "drop":
                del above[key]
            elif what == "like":
                above[key] = like(old, other)
            elif what == "double" and isinstance(old, list):
                old.extend(copy.deepcopy(old))
            elif what == "clear" and isinstance(old, list | dict):
                old.clear()
            elif what == "swap":
                another = where[int(other * len(where))]
                above[key] = copy.deepcopy(holder(tree, another)[another[-1]])
            elif what == "scale" and isinstance(old, int | float) and not isinstance(old, bool):
                above[key] = type(old)(old * 1000 * (other - 0.5))
            else:
                above[key] = value
        except (KeyError, IndexError, TypeError, OverflowError):
            continue
    return json.dumps(tree)


def tags_and_links(page: str) -> Any:
    """The page as an HTML5 parser sees it, once it is sure that nothing in it can act or be fetched."""
    root = html5lib.parse(page, namespaceHTMLElements=False)
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        assert element.tag.rpartition("}")[2].lower() not in {
            *("script", "iframe", "object", "embed", "img", "form", "base", "foreignobject", "animate", "set"),
        }
        for name, value in element.attrib.items():
            plain = str(name).rpartition("}")[2].lower()
            assert not plain.startswith("on"), name
            if plain in {"href", "src", "action", "srcset", "poster", "data", "formaction", "background", "ping"}:
                assert value.startswith("#") or value == "data:,", value
            assert "url(" not in value.replace("url(#", "")
    return root


def text_of(root: Any) -> str:
    return "".join(root.itertext())


def survives(written: str, *, html: bool = False, verified: bool = False) -> bool:
    """Whether it is a result; if it is, it goes through the renderers and `verify`, and nothing is written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.json"
        path.write_text(written, encoding="utf-8", errors="surrogatepass")
        try:
            result = load_result(path)
        except AuditorError as error:
            said = str(error)
        else:
            said = ""
        if said:
            assert said.startswith(str(path))
            return False
        for renderer in renderers().values():
            if renderer.name == "html" and not html:
                continue
            shown = renderer.render(result)
            shown.encode("utf-8")
            if renderer.name == "html":
                tags_and_links(shown)
        if verified:
            subject = open_subject(path, data={}, models={})
            said = render_text(subject, verify(subject))
            assert all(visible(line) == line for line in said.split("\n"))
        assert [each.name for each in Path(folder).iterdir()] == ["r.json"]
    return True


def test_the_real_result_survives(result_file: Path) -> None:
    assert survives(original(result_file)[0], html=True, verified=True)


@settings(max_examples=60, **LIMITS)
@given(_EDITS)
def test_edited_results(result_file: Path, edits: list[Any]) -> None:
    survives(edited(result_file, edits))


@settings(max_examples=6, **PAGES)
@given(_EDITS)
def test_pages_of_edited_results(result_file: Path, edits: list[Any]) -> None:
    survives(edited(result_file, edits), html=True, verified=True)


@pytest.mark.slow
@settings(max_examples=1500, **LIMITS)
@given(_EDITS)
def test_many_edited_results(result_file: Path, edits: list[Any]) -> None:
    survives(edited(result_file, edits))


@pytest.mark.slow
@settings(max_examples=200, **PAGES)
@given(_EDITS)
def test_pages_of_many_edited_results(result_file: Path, edits: list[Any]) -> None:
    survives(edited(result_file, edits), html=True)


@pytest.mark.slow
@settings(max_examples=200, **PAGES)
@given(_EDITS)
def test_verifying_many_edited_results(result_file: Path, edits: list[Any]) -> None:
    survives(edited(result_file, edits), verified=True)


@settings(max_examples=60, **LIMITS)
@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_bytes_that_are_no_result(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "r.json"
        path.write_bytes(data)
        for read in (load_result, lambda path: open_subject(path, data={}, models={})):
            with pytest.raises(AuditorError):
                read(path)


def with_text(path: Path, text: Callable[[int], str]) -> tuple[AuditResult, dict[Place, str]]:
    """The result with a text of its own in every place that takes any text."""
    written, where = original(path)
    tree, given_texts = json.loads(written), dict[Place, str]()
    for number, place in enumerate(where):
        above, key = holder(tree, place), place[-1]
        if not isinstance(above[key], str):
            continue
        old, above[key] = above[key], text(number)
        try:
            AuditResult.model_validate(tree)
        except ValueError:
            above[key] = old
        else:
            given_texts[place] = above[key]
    return AuditResult.model_validate(tree), given_texts


def test_a_page_gives_back_exactly_the_text_it_was_given(result_file: Path) -> None:
    """Every text that the page shows when it is harmless, it shows unchanged when it is not."""
    harmless, marks = with_text(result_file, lambda number: f"q{number}z")
    hostile, texts = with_text(result_file, lambda number: f"q{number}z {HOSTILE} q{number}z")
    assert len(marks) == len(texts) > 150
    render = renderers()["html"].render
    plain, page = (text_of(tags_and_links(render(result))) for result in (harmless, hostile))
    found = [place for place, mark in marks.items() if mark in plain]
    assert len(found) > 100
    # Texts that may be long are shortened, which is for the tests of the page.
    whole = [place for place in found if visible(texts[place]) in page or visible(texts[place], keep="\n\t") in page]
    cut = [place for place in found if place not in whole]
    assert len(whole) > 0.6 * len(found)
    for place in cut:
        start = visible(texts[place])[:12]
        assert start in page, place


def zip_of(entries: list[tuple[str, bytes]], *, link: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            entry = zipfile.ZipInfo(name)
            if link:
                entry.external_attr = 0o120777 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


@pytest.fixture(scope="module")
def bundle(result_file: Path) -> bytes:
    plain = result_file.with_name("plain.json")
    result = load_result(result_file)
    documents = tuple(one.model_copy(update={"excerpt": None, "marks": None}) for one in result.documents)
    plain.write_text(
        with_content_digest(result.model_copy(update={"documents": documents})).model_dump_json(), encoding="utf-8"
    )
    return make_bundle(plain, reveal=False, sources={})


def refused_or_read(data: bytes) -> bool:
    """Unpack and verify; nothing may appear anywhere beside the file or above it."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "deep" / "er"
        folder.mkdir(parents=True)
        path = folder / "audit.zip"
        path.write_bytes(data)
        try:
            subject = open_subject(path, data={}, models={})
            render_text(subject, verify(subject))
        except AuditorError:
            return False
        finally:
            assert [each for each in Path(root).rglob("*") if each.is_file()] == [path]
    return True


_ENTRY_NAMES = st.one_of(
    st.sampled_from(
        [
            "../evil",
            "/etc/evil",
            "a/../../evil",
            "..\\evil",
            "C:\\evil",
            "C:evil",
            "a//b",
            "./a",
            "a/",
            "",
            ".",
            "..",
            "x\x00y",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=60, **LIMITS)
@given(_ENTRY_NAMES, st.binary(max_size=20), st.booleans())
def test_entries_that_lead_out_of_a_bundle(bundle: bytes, name: str, data: bytes, link: bool) -> None:
    assume("\x00" not in name)
    try:
        files = {"result.json": b"{}", name: data}
        manifest = BundleManifest(auditor_version="0", matplotlib_version="0", files=digests(files))
        evil = zip_of([*files.items(), ("manifest.json", manifest.model_dump_json().encode())], link=link)
    except (ValueError, UnicodeEncodeError):
        assume(False)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.zip"
        path.write_bytes(evil)
        try:
            names = unpack(path)
        except AuditorError:
            return
        assert not link
        assert all(part not in ("", ".", "..") for each in names for part in each.split("/"))
        assert not any("\\" in each or ":" in each for each in names)


def turned(bundle: bytes, places: list[tuple[float, int]], keep: float) -> bytes:
    data = bytearray(bundle)
    for share, bit in places:
        data[int(share * len(data))] ^= 1 << bit
    return bytes(data[: int(keep * len(data)) + 1])


_TURNS = st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 7)), max_size=4)


@settings(max_examples=40, **LIMITS)
@given(_TURNS, st.sampled_from([1.0, 1.0, 0.999, 0.5, 0.01]))
def test_damaged_bundles(bundle: bytes, places: list[tuple[float, int]], keep: float) -> None:
    refused_or_read(turned(bundle, places, keep))


@pytest.mark.slow
@settings(max_examples=500, **LIMITS)
@given(_TURNS, st.sampled_from([1.0, 1.0, 0.999, 0.5, 0.01]))
def test_many_damaged_bundles(bundle: bytes, places: list[tuple[float, int]], keep: float) -> None:
    refused_or_read(turned(bundle, places, keep))


def test_a_sound_bundle_is_read(bundle: bytes) -> None:
    assert refused_or_read(bundle)


@pytest.mark.parametrize("name", ["model.pkl", "x/data.pkl", "weights.bin", "a.PT", "b.ckpt"])
def test_a_bundle_with_a_pickle_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "audit.zip"
    path.write_bytes(pack({"result.json": b"{}", name: b"\x80\x04N."}))
    with pytest.raises(AuditorError, match="pickle"):
        unpack(path)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.zip"
    path.write_bytes(zip_of([("result.json", bytes(50_000_000))]))
    assert path.stat().st_size < 100_000
    with pytest.raises(AuditorError, match="unpack"):
        unpack(path)
