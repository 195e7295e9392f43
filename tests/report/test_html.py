from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.results import landmarks, words
from support.results import parse_page as parse

from auditor.core.text import visible
from auditor.report import selection, templating, thresholds
from auditor.report.renderer import render
from auditor.results.outcome import Outcome
from auditor.results.policy import Policy
from auditor.results.result import AuditResult

pytestmark = pytest.mark.long

pytest.importorskip("html5lib")

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def named(root: Element, kind: str) -> list[Element]:
    return [e for e in root.iter() if isinstance(e.tag, str) and kind in e.get("class", "").split()]


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def page(evidence: AuditResult) -> Element:
    return parse(render(evidence, "html"))


@pytest.fixture(scope="module")
def hostile_page(hostile: AuditResult) -> Element:
    return parse(render(hostile, "html"))


def test_no_script_and_nothing_to_fetch(page: Element, hostile_page: Element) -> None:
    for root in (page, hostile_page):
        tags = {str(element.tag).rpartition("}")[2].lower() for element in root.iter()}
        assert not tags & {"script", "iframe", "object", "embed", "img", "form", "base", "foreignobject", "animate"}
        for element in root.iter():
            for key, value in element.attrib.items():
                name = str(key).rpartition("}")[2].lower()
                assert not name.startswith("on")
                if name in {"href", "src", "action", "srcset", "poster", "data"}:
                    assert value.startswith("#") or value == "data:,"
                assert "url(" not in value.replace("url(#", "")


def test_the_policy_forbids_everything_else(page: Element) -> None:
    policies = [e.get("content") for e in page.iter("meta") if e.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert policies[0].startswith(CSP)


def test_the_style_sheet_loads_nothing() -> None:
    css = templating.templates().joinpath("style.css").read_text(encoding="utf-8")
    assert "@import" not in css
    assert "url(" not in css
    assert "</" not in css


def test_every_shown_string_comes_through_exactly(hostile: AuditResult, hostile_page: Element) -> None:
    text = words(hostile_page)
    dumped = hostile.model_dump(mode="json")
    shown = [
        value
        for part in ("verdict", "guards", "limitations", "procedures", "suspect", "heldout", "name")
        for value in strings(dumped[part])
    ]
    manifest = dumped["manifest"]
    shown += strings([manifest[k] for k in ("auditor_version", "created", "platform", "features", "packages")])
    shown += strings([{k: v for k, v in model.items() if k != "role"} for model in manifest["models"]])
    shown += list(manifest["packages"])
    for value in shown:
        assert visible(value) in text


def test_single_places_hold_exactly_their_string(hostile: AuditResult, hostile_page: Element) -> None:
    assert words(next(hostile_page.iter("h1"))) == visible(hostile.name)
    assert words(named(hostile_page, "sentence")[0]) == visible(hostile.verdict.sentence)
    assert words(named(hostile_page, "command")[0]) == visible(hostile.manifest.command, keep="\n\t")
    assert words(next(hostile_page.iter("title"))) == visible(f"INCONCLUSIVE: {hostile.name}")
    marked = selection.marked_documents(hostile, 6)
    for document, strip in zip(marked, named(hostile_page, "tokens"), strict=True):
        expected = [visible(mark.text, keep="\n\t") for mark in (document.marks or ())[:120]]
        assert [words(span) for span in strip] == expected
    excerpts = {visible(d.excerpt, keep="\n\t") for d in hostile.documents if d.excerpt}
    assert {words(quote) for quote in hostile_page.iter("blockquote")} <= excerpts


@settings(max_examples=30, deadline=None)
@given(name=st.text(max_size=40))
def test_any_name_comes_through_exactly(sparse: AuditResult, name: str) -> None:
    document = render(sparse.model_copy(update={"name": name}), "html")
    heading = document[document.index("<h1>") : document.index("<dl")]
    assert words(next(parse(f"<!DOCTYPE html><title>t</title>{heading}").iter("h1"))) == visible(name)


@pytest.mark.long
@pytest.mark.usefixtures("drawn_anew")
def test_the_same_result_gives_the_same_bytes(evidence: AuditResult) -> None:
    copy = AuditResult.model_validate_json(evidence.model_dump_json())
    assert render(evidence, "html") == render(copy, "html")


@pytest.mark.parametrize("word", ["EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE"])
def test_the_verdict_comes_first_with_its_word_its_shape_and_its_limits(
    make: Callable[..., AuditResult], word: Outcome
) -> None:
    result = make(word, groups=8)
    root = parse(render(result, "html"))
    first = next(root.iter("section"))
    assert first.get("id") == "verdict"
    assert word in words(next(first.iter("h2")))
    assert named(first, "icon")
    assert result.verdict.not_meaning in words(first)
    assert f"exit code {result.exit_code}" in words(first)
    assert next(root.iter("title")).text == f"{word}: {result.name}"


def test_each_verdict_has_a_shape_of_its_own(make: Callable[..., AuditResult]) -> None:
    drawn = set()
    for word in ("EVIDENCE", "NO EVIDENCE", "INCONCLUSIVE"):
        document = render(make(word, groups=8), "html")
        section = document[document.index("<section") : document.index("</section>")]
        icon = named(parse(f"<!DOCTYPE html><title>t</title>{section}</section>"), "icon")[0]
        drawn.add(tuple(str(part.tag) + part.get("d", "") for part in icon))
    assert len(drawn) == 3


def test_three_numbers(page: Element, evidence: AuditResult) -> None:
    main = evidence.membership
    assert words(named(page, "big")[0]) == f"{main.auc:.3f}"
    numbers = words(next(e for e in page.iter("section") if e.get("id") == "numbers"))
    assert f"{main.auc_interval.low:.3f} to {main.auc_interval.high:.3f}" in numbers
    assert "60 and 60" in numbers


def test_order_of_sections(page: Element) -> None:
    found = [section.get("id") for section in page.iter("section")]
    order = ["verdict", "numbers", "guards", "figures", "features", "statistics", "procedures", "documents"]
    order += ["limitations", "thresholds", "data", "manifest", "glossary"]
    assert found == order


def test_headings_and_landmarks(page: Element, hostile_page: Element) -> None:
    for root in (page, hostile_page):
        assert landmarks(root).get("href") == "#verdict"


def test_ids_are_unique_and_every_reference_leads_somewhere(page: Element, hostile_page: Element) -> None:
    for root in (page, hostile_page):
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(set(ids)) == len(ids)
        for element in root.iter():
            for key in ("aria-labelledby", "aria-describedby"):
                assert set(element.get(key, "").split()) <= set(ids)
            targets = [str(value)[1:] for name, value in element.attrib.items() if str(name).endswith("href")]
            assert {target for target in targets if not target.startswith("ata:")} <= set(ids)
            assert set(re.findall(r"url\(#([^)]*)\)", " ".join(map(str, element.attrib.values())))) <= set(ids)


def test_tables_and_figures_can_be_read_aloud(page: Element) -> None:
    for table in page.iter("table"):
        assert len(table.findall("caption")) == 1
        assert all(header.get("scope") in {"col", "row"} for header in table.iter("th"))
    regions = [e for e in page.iter("div") if "scroll" in e.get("class", "").split()]
    assert all(e.get("role") == "region" and e.get("tabindex") == "0" and e.get("aria-label") for e in regions)
    inside = {id(table) for region in regions for table in region.iter("table")}
    assert {id(table) for table in page.iter("table")} == inside
    figures = list(page.iter("figure"))
    assert len(figures) == 4
    for figure in figures:
        assert len(list(figure.iter("details"))) == 1
        assert len(list(figure.iter("table"))) == 1
        picture = next(e for e in figure.iter() if str(e.tag).endswith("svg"))
        assert picture.get("role") == "img"
        assert picture.get("aria-labelledby")
        assert picture.get("aria-describedby")


def test_regions_have_names_of_their_own(page: Element) -> None:
    names = [region.get("aria-label") for region in page.iter("div") if region.get("role") == "region"]
    names += [words(heading) for heading in page.iter("h2")]
    assert len(set(names)) == len(names)


def test_templates_shipped_in_the_package_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = templating.templates()
    assert checkout.joinpath("report.html.j2").is_file()
    monkeypatch.setattr(templating.resources, "files", lambda package: tmp_path / package)
    assert templating.templates() == Path(templating.__file__).parents[2] / "templates"
    (tmp_path / "auditor" / "templates").mkdir(parents=True)
    assert templating.templates() == tmp_path / "auditor" / "templates"


def test_every_guard_is_shown_with_all_it_said(page: Element, evidence: AuditResult) -> None:
    table = named(page, "guards")[0]
    rows = list(table.iter("tr"))[1:]
    assert len(rows) == len(evidence.guards)
    for row, guard in zip(rows, evidence.guards, strict=True):
        said = words(row)
        parts = (guard.name, guard.question, guard.status, guard.reason, guard.remediation, guard.blind_spots)
        assert all(part in said for part in parts)
        assert all(figure.name in said for figure in guard.figures)
    assert [words(item).split() for item in named(page, "counters")[0].iter("li")] == [
        ["6", "passed"],
        ["0", "failed"],
        ["1", "not", "run"],
    ]


def test_texts_stay_hidden_unless_revealed(make: Callable[..., AuditResult], page: Element) -> None:
    assert not list(page.iter("blockquote"))
    assert not named(page, "tokens")
    revealed = parse(render(make("EVIDENCE", groups=8, reveal=True), "html"))
    strip = named(revealed, "tokens")[0]
    assert len(strip) == 120
    assert {span.get("class") for span in strip} >= {"t t0", "t t1", "t t2"}
    listed = named(revealed, "logprobs")[0]
    assert len(list(listed.iter("li"))) == 120


def test_shades_follow_the_logprob() -> None:
    assert [templating.surprise(-bits) for bits in (0.1, 1.0, 3.0, 6.0, 12.0)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("reveal", [False, True])
def test_the_file_is_small_with_many_groups(make: Callable[..., AuditResult], reveal: bool) -> None:
    assert len(render(make("EVIDENCE", groups=2000, reveal=reveal), "html").encode()) < 300_000


def test_what_is_absent_is_said_to_be(sparse: AuditResult) -> None:
    text = words(parse(render(sparse, "html")))
    for words_for_absence in (
        "No guard was run.",
        "No control model was given.",
        "No feature was computed.",
        "No suspect document was scored.",
        "was not compared with what text alone explains",
        "was not computed",
    ):
        assert words_for_absence in text
    assert "None" not in text


def test_every_threshold_is_shown_with_what_it_decides(evidence: AuditResult) -> None:
    rows = {name: (value, meaning) for name, value, meaning in thresholds.threshold_rows(evidence.thresholds)}
    assert set(rows) == set(Policy.model_fields)
    assert rows["alpha"] == ("0.05", "Level of the membership test.")
    assert rows["minimum_groups"][0] == "30"
    assert all(meaning.endswith(".") and "\n" not in meaning for _, meaning in rows.values())


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_contrast(scheme: int) -> None:
    css = templating.templates().joinpath("style.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", re.findall(r":root \{[^}]*--paper[^}]*\}", css)[scheme]))
    for name in ("ink", "muted", "link", "evidence", "no-evidence", "inconclusive", "passed", "failed", "not-run"):
        assert _contrast(colours[name], colours["paper"]) >= 4.5, name
        assert _contrast(colours[name], colours["raised"]) >= 4.5, name
    for name in ("suspect", "heldout", "guard", "control"):
        assert _contrast(colours[name], colours["paper"]) >= 3, name
    for shade in ("t1", "t2", "t3", "t4"):
        assert _contrast(colours["ink"], colours[shade]) >= 4.5, shade


def test_the_file_is_small_with_texts_of_hidden_characters(make: Callable[..., AuditResult]) -> None:
    """Every control character is written out; excerpts are cut after that, not before."""
    result = make("EVIDENCE", groups=2000, reveal=True)
    documents = tuple(
        document.model_copy(
            update={
                "excerpt": None if document.excerpt is None else "\x01" * len(document.excerpt),
                "marks": None
                if document.marks is None
                else tuple(mark.model_copy(update={"text": "\x02\x03"}) for mark in document.marks),
            }
        )
        for document in result.documents
    )
    page = render(result.model_copy(update={"documents": documents}), "html")
    assert len(page.encode()) < 300_000
