"""The page of a batch: whole, sortable, a table to those who hear it, small, and hostile names are text."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

import jsonschema
import pytest
from pydantic import ValidationError
from support.batch import batch, checked, correction_of, hostile_batch, many, one_of_each, outcome
from support.results import landmarks, parse_page, words

from auditor.batch.renderer import batch_renderers
from auditor.cli.schemas import all_schemas
from auditor.core.text import visible
from auditor.report.templating import templates
from auditor.results.batch import BatchResult

pytest.importorskip("html5lib")


def render(name: str, made: BatchResult) -> str:
    return batch_renderers()[name].render(made)


def rows(page: Element) -> list[Element]:
    return [row for body in page.iter("tbody") for row in body.iter("tr")]


@pytest.fixture(scope="module")
def page() -> Element:
    return parse_page(render("html", one_of_each()))


@pytest.fixture(scope="module")
def hostile_page() -> Element:
    return parse_page(render("html", hostile_batch()))


def test_every_file_of_the_folder_has_its_renderer() -> None:
    assert {r.filename for r in batch_renderers().values()} == {
        "index.html",
        "junit.xml",
        "summary.md",
        "batch.json",
        "",
    }


def test_the_worst_comes_first(page: Element) -> None:
    names = [words(next(row.iter("th"))) for row in rows(page)]
    assert names == ["no model", "planted", "shifted", "known to be trained on", "fading", "innocent", "gone"]


def test_a_row_holds_what_its_audit_said(page: Element) -> None:
    row = rows(page)[1]
    link = next(row.iter("a"))
    assert link.get("href") == "./planted/report.html"
    cells = [" ".join(words(cell).split()) for cell in row.iter("td")]
    found = one_of_each().worst_first[1].finding
    assert found is not None
    interval = f"{found.auc_interval.low:.3f} to {found.auc_interval.high:.3f}"
    assert cells[:4] == ["failed", "EVIDENCE", "no evidence", f"{found.auc:.3f}{interval}"]
    assert cells[4:7] == ["0.0001", "0.0007", "8 and 8"]
    assert found.verdict.sentence in cells[7]
    assert "check: data/suspect against data/heldout on models/owl" in cells[7]


def test_a_state_stands_beside_its_verdict_and_an_unusual_gate_is_told(page: Element) -> None:
    row = next(row for row in rows(page) if words(next(row.iter("th"))) == "fading")
    cells = [" ".join(words(cell).split()) for cell in row.iter("td")]
    assert cells[1] == "D fadingEVIDENCE"
    assert cells[2] == "no evidencefails on state C persistent"


def test_a_broken_audit_says_why_and_leads_nowhere(page: Element) -> None:
    row = rows(page)[0]
    assert not list(row.iter("a"))
    assert "models/owl: no config.json there. Give the folder of a model." in words(row)
    assert [" ".join(words(cell).split()) for cell in row.iter("td")][:2] == ["broken", "none"]


def test_the_banner_says_what_the_batch_came_to(page: Element) -> None:
    banner = next(element for element in page.iter("section") if element.get("id") == "verdict")
    said = " ".join(words(banner).split())
    for part in (
        "The batch: BROKEN",
        "Of 7 audits 1 broke and 2 failed. Verdicts: 3 EVIDENCE, 1 INCONCLUSIVE, 2 NO EVIDENCE.",
        "4, that of the worst audit",
        "corrected after Holm over 7 audits, 1 of which broke and counts with p = 1",
        "It does not mean that the model was not trained on the documents.",
    ):
        assert part in said


@pytest.mark.parametrize(("method", "name"), [("holm", "Holm"), ("benjamini-hochberg", "Benjamini and Hochberg")])
def test_the_correction_is_named_everywhere(method: str, name: str) -> None:
    looks = correction_of(0.01, 0.02).model_copy(update={"method": method})
    made = batch([outcome(checked("EVIDENCE", multiplicity=looks), "one")], correction=method)
    for form in ("html", "markdown", "text"):
        said = " ".join(render(form, made).split())
        assert f"corrected after {name} over 7 audits" in said
        assert "0.0100" in said
        assert "0.0200" in said


def test_without_p_values_no_correction_is_claimed() -> None:
    assert "No p-value entered the correction" in render("text", batch([outcome(None, "broken")]))


def orders(page: Element) -> dict[str, list[str]]:
    """The names in each order that can be chosen, as the style sheet lays the rows out."""
    css = words(next(page.iter("style")))
    found = {}
    for chosen in (e for e in page.iter("input") if e.get("type") == "radio"):
        order = chosen.get("id", "").removeprefix("by-")
        rule = re.search(rf"#by-{order}:checked\) \.audits tbody tr \{{ order: var\(--(\w+)\)", css)
        places = [
            int(dict(pair.split(":") for pair in row.get("style", "").split(";"))[f"--{rule[1]}"]) if rule else 0
            for row in rows(page)
        ]
        names = [words(next(row.iter("th"))) for row in rows(page)]
        found[order] = [name for _, name in sorted(zip(places, names, strict=True), key=lambda pair: pair[0])]
    return found


def test_rows_can_be_ordered_without_script(page: Element) -> None:
    worst = ["no model", "planted", "shifted", "known to be trained on", "fading", "innocent", "gone"]
    chosen = [e.get("id") for e in page.iter("input") if e.get("checked") is not None]
    assert chosen == ["by-worst"]
    assert orders(page) == {
        "worst": worst,
        "name": sorted(worst),
        "verdict": ["planted", "known to be trained on", "fading", "shifted", "innocent", "gone", "no model"],
        "effect": ["fading", "gone", "planted", "shifted", "known to be trained on", "innocent", "no model"],
        "p": ["planted", "known to be trained on", "fading", "gone", "innocent", "shifted", "no model"],
        "corrected": ["planted", "known to be trained on", "fading", "shifted", "innocent", "gone", "no model"],
    }


def test_it_stays_a_table_to_a_screen_reader(page: Element) -> None:
    table = next(page.iter("table"))
    assert table.get("role") == "table"
    assert table.get("aria-labelledby") in {e.get("id") for e in page.iter("h2")}
    assert all(e.get("role") == "row" for e in table.iter("tr"))
    assert all(e.get("role") == "cell" for e in table.iter("td"))
    assert {e.get("role") for e in table.iter("th")} == {"columnheader", "rowheader"}
    headers = list(next(table.iter("thead")).iter("th"))
    assert all(len([*row.iter("th"), *row.iter("td")]) == len(headers) for row in rows(page))
    css = words(next(page.iter("style")))
    for place, header in enumerate(headers[1:-1], 2):
        label = re.escape(words(header))
        assert re.search(rf'td:nth-child\({place}\)::before {{ content: "{label}"; content: "{label}" / ""; }}', css)


def test_controls_are_named_and_grouped(page: Element) -> None:
    fieldset = next(page.iter("fieldset"))
    assert words(next(fieldset.iter("legend"))) == "Order of the rows"
    labels = list(fieldset.iter("label"))
    assert len(labels) == 6
    assert all(len(list(label.iter("input"))) == 1 and words(label).strip() for label in labels)


def test_no_script_and_nothing_to_fetch(page: Element, hostile_page: Element) -> None:
    for root in (page, hostile_page):
        tags = {str(element.tag).rpartition("}")[2].lower() for element in root.iter()}
        assert not tags & {"script", "iframe", "object", "embed", "img", "form", "base", "foreignobject", "animate"}
        policies = [e.get("content") for e in root.iter("meta") if e.get("http-equiv") == "Content-Security-Policy"]
        assert policies[0] is not None
        assert policies[0].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
        for element in root.iter():
            for key, value in element.attrib.items():
                name = str(key).rpartition("}")[2].lower()
                assert not name.startswith("on")
                assert "url(" not in value
                if name in {"href", "src", "action", "srcset", "poster", "data"}:
                    assert value.startswith(("#", "./")) or value == "data:,"
                if name == "style":
                    assert re.fullmatch(r"(--\w+:\d+;?)+", value)
    css = templates().joinpath("batch", "batch.css").read_text(encoding="utf-8")
    assert "@import" not in css
    assert "url(" not in css


def test_hostile_names_stay_text(hostile_page: Element) -> None:
    made = hostile_batch()
    assert words(next(hostile_page.iter("h1"))) == visible(made.name)
    assert words(next(hostile_page.iter("title"))) == visible(f"BROKEN: {made.name}")
    said = words(hostile_page)
    for audit in made.audits:
        assert visible(audit.folder)[:20] in said
        if audit.finding is not None:
            assert visible(audit.finding.verdict.sentence) in said


def links(root: Element) -> Iterator[str]:
    for element in next(root.iter("table")).iter("a"):
        yield element.get("href", "")


@pytest.mark.parametrize(
    "folder", ["a b", "50% off?x=1#y", "javascript:alert(1)", "//evil.example/x", "ü/漢字", "a&quot;b", "..\\..\\x"]
)
def test_links_are_relative_and_lead_to_the_report(folder: str) -> None:
    made = batch([outcome(checked("EVIDENCE"), "one", folder=folder)])
    (link,) = links(parse_page(render("html", made)))
    assert link.startswith("./")
    assert re.fullmatch(r"[\w./%~-]+", link, re.ASCII)
    assert unquote(link) == f"./{folder.lstrip('/')}/report.html"


def test_headings_landmarks_and_references(page: Element, hostile_page: Element) -> None:
    for root in (page, hostile_page):
        assert landmarks(root).get("href") == "#verdict"
        ids = [element.get("id") for element in root.iter() if element.get("id")]
        assert len(set(ids)) == len(ids)
        for element in root.iter():
            assert set(element.get("aria-labelledby", "").split()) <= set(ids)


def test_two_hundred_audits_stay_small() -> None:
    made = many(200)
    assert len(render("html", made).encode()) < 250_000
    assert len(render("markdown", made).encode()) < 80_000


@pytest.mark.long
def test_the_summary_is_cut_in_bytes_and_says_so() -> None:
    long = checked("EVIDENCE").verdict.model_copy(update={"sentence": "漢" * 5000})
    made = batch(outcome(checked("EVIDENCE", verdict=long), f"{'字' * 150} {number}") for number in range(900))
    written = render("markdown", made)
    assert 800_000 < len(written.encode()) < 1024 * 1024
    left = re.search(r"\n(\d+) more audits left out for the size", written)
    assert left is not None
    assert written.count("**failed**") + int(left[1]) == 900
    assert "exit code 1" in written


def test_hostile_names_make_nothing_in_the_summary() -> None:
    markdown_it = pytest.importorskip("markdown_it")  # rich brings it
    html = markdown_it.MarkdownIt("commonmark").enable("table").render(render("markdown", hostile_batch()))
    names = set(re.findall(r"<(\w+)", html))
    assert names == {"h2", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td"}
    assert html.count("<tr>") == 8
    assert html.count("<td>") == 7 * 9


def test_names_alike_at_length_are_told_apart_on_the_screen() -> None:
    alike = "the forty characters that these two audits have in common"
    names = [f"{alike}, before", f"{alike}, after", "x" * 100]
    written = render("text", batch(outcome(checked("NO EVIDENCE"), name) for name in names))
    assert max(map(len, written.splitlines())) <= 100
    # The name stands in the last column, over as many lines as it needs.
    column = " ".join(line.rpartition("|")[2].strip() for line in written.splitlines())
    assert all(name in column for name in names[:2])
    assert names[2] in column.replace(" ", "")


def test_the_screen_shows_no_control_character_and_keeps_its_columns() -> None:
    written = render("text", hostile_batch())
    assert not [c for c in written if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or "\u202a" <= c <= "\u202e"]
    plain = render("text", one_of_each())
    table = [line for line in plain.splitlines() if " | " in line]
    assert len({line.index("|") for line in table}) == 1
    assert max(map(len, plain.splitlines())) <= 100


@pytest.mark.usefixtures("drawn_anew")
def test_the_same_batch_gives_the_same_bytes() -> None:
    for renderer in batch_renderers().values():
        assert renderer.render(one_of_each()) == renderer.render(one_of_each())


def test_json_holds_the_whole_batch_and_its_answers() -> None:
    made = hostile_batch()
    written = render("json", made)
    assert BatchResult.model_validate_json(written) == made
    told = json.loads(written)
    assert told["exit_code"] == 4
    assert [(audit["status"], audit["exit_code"]) for audit in told["audits"]][2:4] == [("failed", 3), ("broken", 4)]
    jsonschema.validate(told, all_schemas()["batch"].schema())


@pytest.mark.parametrize(
    ("place", "name", "value"), [(None, "exit_code", 0), (1, "status", "passed"), (1, "exit_code", 0)]
)
def test_json_with_another_answer_is_refused(place: int | None, name: str, value: object) -> None:
    told = json.loads(render("json", one_of_each()))
    (told if place is None else told["audits"][place])[name] = value
    with pytest.raises(ValidationError, match=f"{name} is {value!r}, but .* follows from the rest"):
        BatchResult.model_validate_json(json.dumps(told))


def test_rendering_needs_no_model_library(tmp_path: Path) -> None:
    (tmp_path / "batch.json").write_text(one_of_each().model_dump_json())
    code = (
        "import sys; from pathlib import Path\n"
        "from auditor.results.batch import BatchResult; from auditor.batch.renderer import batch_renderers\n"
        "made = BatchResult.model_validate_json(Path(sys.argv[1]).read_text())\n"
        "[renderer.render(made) for renderer in batch_renderers().values()]\n"
        "print([name for name in ('torch', 'transformers', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "batch.json")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_thresholds_that_are_not_the_default_stand_beside_each_verdict() -> None:
    made = one_of_each()
    for name in ("html", "markdown"):
        page = html.unescape(batch_renderers()[name].render(made))
        verdicts = sum(entry.finding is not None for entry in made.audits)
        assert page.count("Not the default: policy.alpha 0.05.") == verdicts, name
