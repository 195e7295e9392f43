"""The page about a series: everything of the tree is on it, in order, escaped, and no larger than it should be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from support.results import words

from auditor.core.text import shorten, visible
from auditor.report import text, thresholds
from auditor.report.renderer import render
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.series import Forgetting
from auditor.results.forgetting.states import STATES
from auditor.results.result import AuditResult

pytestmark = pytest.mark.long

Parse = Callable[[str], Element]
Path = tuple[str, ...]


def section(root: Element, name: str) -> Element:
    return next(e for e in root.iter("section") if e.get("id") == name)


@pytest.fixture(scope="module")
def page(forget: AuditResult, parse: Parse) -> Element:
    return parse(render(forget, "html"))


@pytest.fixture(scope="module")
def hostile_page(hostile_forget: AuditResult, parse: Parse) -> Element:
    return parse(render(hostile_forget, "html"))


@pytest.fixture(scope="module")
def check_page(check_with_series: AuditResult, parse: Parse) -> Element:
    return parse(render(check_with_series, "html"))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, (*path, "*"))
    else:
        yield path, value


def rewrite(value: Any, marks: dict[Path, Any], path: Path = ()) -> Any:
    if isinstance(value, dict):
        return {key: rewrite(item, marks, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [rewrite(item, marks, (*path, "*")) for item in value]
    return value if value is None else marks.get(path, value)


UNMARKED = {"level", "layer", "steps"}
"""What is the same all over or counts places in the tree."""


def marked(dumped: Any) -> dict[Path, Any]:
    """A value of its own for every kind of figure in a dumped series."""
    marks: dict[Path, Any] = {}
    for path, value in leaves(dumped):
        if path in marks or path[-1] in UNMARKED or path[0] == "thresholds" or isinstance(value, bool):
            continue
        if path[-1] == "mean_z":
            marks[path] = 71.37
        elif isinstance(value, float):
            marks[path] = round(0.1037 + 0.0041 * len(marks), 4)
        elif isinstance(value, int):
            marks[path] = 2001 + len(marks)
    return marks


def shown(value: float, page: str) -> bool:
    """Whether a value stands on a page in one of the spellings of numbers."""
    written = {
        text.format_fixed(value),
        text.format_p(value),
        text.format_number(value),
        text.format_percent(value),
        text.format_z(value),
    }
    short = {one for one in written if len(one) > 2}
    return any(re.search(rf"(?<![\d.]){re.escape(text.typeset(one))}(?![\d])", page) for one in short)


@pytest.mark.long
def test_every_figure_of_the_tree_is_on_the_page(forget: AuditResult, parse: Parse) -> None:
    assert forget.forgetting is not None
    dumped = forget.forgetting.model_dump(mode="json")
    marks = marked(dumped)
    assert len(marks) > 100
    changed = Forgetting.model_validate(rewrite(dumped, marks))
    root = parse(render(forget.model_copy(update={"forgetting": changed}), "html"))
    page = " ".join(text for name in ("states", "forgetting") for text in section(root, name).itertext())
    assert [".".join(path) for path, value in marks.items() if not shown(value, page)] == []


@pytest.mark.long
def test_every_text_of_the_tree_is_on_the_page(hostile_forget: AuditResult, hostile_page: Element) -> None:
    assert hostile_forget.forgetting is not None
    page = words(hostile_page)
    often = {"task", "model", "earlier", "later", "id", "group", "layer"}  # cut where they come again and again
    whole = 0
    for path, value in leaves(hostile_forget.forgetting.model_dump(mode="json")):
        if not isinstance(value, str):
            continue
        known = visible(value) in page
        whole += known
        cut = path[-1] in often or path[-2:-1] in {("tasks",), ("labels",)} or "tasks" in path or path[-1] == "method"
        name = path[-1] == "name" and "guards" in path
        shortened = any(shorten(visible(value), limit) in page for limit in (40, 60, 80))
        question = path[-1] in {"question", "blind_spots"}  # the guards' own section has them
        assert known or question or ((cut or name) and shortened), path
    assert whole > 100


@pytest.mark.long
def test_hostile_text_makes_nothing(hostile_page: Element) -> None:
    tags = {str(element.tag).rpartition("}")[2].lower() for element in hostile_page.iter()}
    assert not tags & {"script", "iframe", "object", "embed", "img", "form", "base", "foreignobject", "animate"}
    for element in hostile_page.iter():
        for key, value in element.attrib.items():
            assert not str(key).lower().startswith("on")
            assert "url(" not in value.replace("url(#", "")
            if str(key).rpartition("}")[2] in {"href", "src"}:
                assert value.startswith("#") or value == "data:,"


@pytest.mark.long
def test_a_forget_leads_with_its_state_and_its_course(page: Element, forget: AuditResult) -> None:
    assert forget.forgetting is not None
    found = [e.get("id") for e in page.iter("section")]
    assert found[:5] == ["verdict", "states", "forgetting", "numbers", "guards"]
    course = next(e for e in section(page, "verdict").iter("ol"))
    told = [" ".join(words(item).split()) for item in course.iter("li")]
    assert told == [f"{c.state.code} {c.name}{c.state.name}" for c in forget.forgetting.checkpoints]
    first = next(e for e in section(page, "states").iter("figure"))
    assert first.get("id") == "figure-trajectory"
    assert forget.forgetting.checkpoints[-1].name in words(section(page, "numbers"))


@pytest.mark.long
def test_in_a_check_the_series_follows_the_guards(check_page: Element) -> None:
    root = check_page
    found = [e.get("id") for e in root.iter("section")]
    assert found[:6] == ["verdict", "numbers", "guards", "states", "forgetting", "figures"]
    assert not list(section(root, "verdict").iter("ol"))
    assert "Three numbers" in words(section(root, "numbers"))


def test_a_check_without_a_series_says_nothing_of_one(evidence: AuditResult) -> None:
    page = render(evidence, "html")
    assert "checkpoint" not in page.lower().replace(".course", "")
    assert "Holm" not in page


def test_the_p_value_of_a_forget_is_compared_after_correction(page: Element, forget: AuditResult) -> None:
    assert forget.forgetting is not None
    adjusted = forget.forgetting.checkpoints[-1].detection.p_adjusted
    numbers = words(section(page, "numbers"))
    assert f"{adjusted:.4f} over all checkpoints (Holm), above the level of 0.05" in numbers


def test_every_condition_is_there_with_its_answer(page: Element, forget: AuditResult) -> None:
    assert forget.forgetting is not None
    rows = {words(row).strip() for row in section(page, "states").iter("tr")}
    for checkpoint in forget.forgetting.checkpoints:
        for condition in checkpoint.state.conditions:
            said = f"{condition.code} {STATES[condition.code].name}{condition.status}{condition.reason}"
            assert said in rows


@pytest.mark.long
def test_what_states_do_not_mean_is_said_openly(make_forget: Callable[..., AuditResult], parse: Parse) -> None:
    root = section(parse(render(make_forget(("B", "F", "W")), "html")), "states")
    hidden = {id(e) for details in root.iter("details") for e in details.iter()}
    open_words = "".join(words(e) for e in root.iter("dd") if id(e) not in hidden)
    for code in ("B", "F", "W"):
        assert STATES[code].not_means in open_words
    assert STATES["C"].not_means not in open_words
    assert "Not a proof of deletion" in open_words
    assert "Not forgetting" in open_words
    assert "more robust than a level" in words(root)
    assert "not immune" in words(root)


def test_every_state_is_explained() -> None:
    assert sorted(STATES) == sorted("ABCDEFGHW")
    assert [code for code, kind in STATES.items() if kind.code == code and kind.means and kind.not_means] == list(
        STATES
    )


def test_what_was_not_measured_is_said(bare_forget: AuditResult, parse: Parse) -> None:
    page = words(parse(render(bare_forget, "html")))
    for absence in (
        "none was given",
        "No general text was given",
        "No layer was probed",
        "Not tested: no intervention was run",
        "detected at no checkpoint",
        "not tested",
        "not stated",
    ):
        assert absence in page
    assert "None" not in page
    assert "Labelled tasks" not in page


def test_that_nothing_was_written_is_said(page: Element) -> None:
    assert "no changed weights were written to disk" in words(page)


def test_headings_ids_and_regions(
    page: Element, hostile_page: Element, check_with_series: AuditResult, parse: Parse
) -> None:
    for root in (page, hostile_page, parse(render(check_with_series, "html"))):
        levels = [int(e.tag[1]) for e in root.iter() if isinstance(e.tag, str) and re.fullmatch("h[1-6]", e.tag)]
        assert all(after <= before + 1 for before, after in pairwise(levels))
        ids = [e.get("id") for e in root.iter() if e.get("id")]
        assert len(set(ids)) == len(ids)
        asked = [v for e in root.iter() for k, v in e.attrib.items() if str(k).rpartition("}")[2] == "href"]
        assert {value[1:] for value in asked if value.startswith("#")} <= set(ids)
        regions = [e.get("aria-label") for e in root.iter("div") if e.get("role") == "region"]
        assert len(set(regions)) == len(regions)
        for table in root.iter("table"):
            assert len(table.findall("caption")) == 1
            assert all(header.get("scope") in {"col", "row"} for header in table.iter("th"))
        numbers = [words(next(iter(figure))).split(".")[0] for figure in root.iter("figure")]
        assert numbers == [str(place + 1) for place in range(len(numbers))]


@pytest.mark.long
def test_five_checkpoints_of_thirty_layers_and_three_tasks_make_a_small_file(
    make_forget: Callable[..., AuditResult], make: Callable[..., AuditResult]
) -> None:
    result = make_forget(layers=31, tasks=3)
    large = make("EVIDENCE", groups=2000)
    grown = {"group_scores": large.group_scores, "documents": large.documents, "curve": large.curve}
    assert len(render(result.model_copy(update=grown), "html").encode()) < 300_000


@pytest.mark.long
def test_a_long_series_stays_bounded_and_keeps_its_ends(make_forget: Callable[..., AuditResult], parse: Parse) -> None:
    result = make_forget(("A",) * 33 + ("B",) + ("D", "F") * 30, layers=40, tasks=8)
    document = render(result, "html")
    assert len(document.encode()) < 800_000
    root = parse(document)
    rows = [words(e) for e in section(root, "states").iter("th") if e.get("scope") == "row"]
    for name in ("base", "step-33", "step-93"):
        assert any(row.startswith(f"{name}No.") for row in rows)
    assert "of 94; the JSON result has all of them" in words(root)


def test_thresholds_of_the_states_are_shown(page: Element, forget: AuditResult) -> None:
    assert forget.forgetting is not None
    rows = thresholds.threshold_rows(forget.forgetting.thresholds)
    assert {name for name, _, _ in rows} == set(ForgettingPolicy.model_fields)
    shown_words = words(section(page, "thresholds"))
    for name, value, meaning in rows:
        assert meaning.endswith(".")
        assert f"{name}{value}{meaning}" in shown_words.replace("\n", "")
