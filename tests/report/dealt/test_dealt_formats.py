"""A test in every format: the same verdict, what was paid, who made the coins, and no candidate."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import pytest
from support.dealt import make_plan, result
from support.natural import natural_result, shuffled_rows, write_identifiers, write_rows
from support.results import HOSTILE

from auditor.report.dealt.figure import draw
from auditor.report.dealt.renderer import dealt_renderers
from auditor.report.renderer import render, write_outputs
from auditor.results.dealt.coins import StampFacts
from auditor.results.dealt.result import DealtResult

DESIGNS = ("canaries", "twins", "holdout", "choice", "order")


def plain(written: str) -> str:
    """What a reader sees, in one line."""
    text = re.sub(r"<[^>]*>", " ", written)
    return " ".join(html.unescape(text).replace("−", "-").replace("\u00a0", " ").split())


@pytest.mark.parametrize("design", DESIGNS)
def test_every_format_says_the_same(design: str, tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan", design, units=60), effect=100.0, references=1)
    for name, form in dealt_renderers().items():
        written = form.render(made)
        assert form.render(made) == written
        shown = plain(written) if name != "json" else written
        for wanted in (made.verdict.sentence, made.coins.sentence, made.verdict.not_meaning):
            assert plain(wanted) in shown.replace("Meaning ", ""), (name, wanted)
        assert "says so in a sentence" not in written, name
        for check in made.checks:
            assert check.name in written, name


def test_every_format_names_root_note_sealed_scores_and_the_share_of_the_level(tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan"), look=2)
    stamp = StampFacts(
        time="2023-01-01T00:00:00+00:00", authority="CN=TSA", checked="verified", root="CN=Root", root_sha256="cd" * 32
    )
    made = made.model_copy(
        update={
            "coins": made.coins.model_copy(update={"stamp": stamp}),
            "commitment": {**made.commitment, "note": "Made for a sample"},
            "measurements": made.measurements.model_copy(update={"sealed_sha256": "ab" * 32}),
        }
    )
    for name in ("html", "markdown", "text", "junit"):
        shown = plain(dealt_renderers()[name].render(made)).replace("\\", "")
        for wanted in (
            f"verified up to the root CN=Root (SHA-256 {'cd' * 32}) that came with the plan; whether that authority is",
            "Note of the commitment: Made for a sample",
            f"Sealed scores SHA-256 {'ab' * 32}: compare it with the digest that the provider published",
            "this is model 2 of several on one batch (--look 2)",
        ):
            assert wanted in shown, (name, wanted)
    page = plain(dealt_renderers()["html"].render(made))
    assert "Coins the owner's alone" in page
    assert "warning" in page[: page.index("Three numbers")]


def test_the_page_is_one_sound_document_without_script(tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan"), references=1, reveal=True)
    page = render(made, "html")
    html5lib.HTMLParser(strict=True).parse(page)
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!data:,|#)", page)
    assert "checks that ask for likeness in other audits do not apply" in plain(page)
    assert "says so in a sentence" in page


@pytest.mark.parametrize("design", DESIGNS)
def test_the_figure_counts_every_published_text(design: str, tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan", design, units=60), effect=100.0)
    figure = draw(made)
    assert figure is not None
    ElementTree.fromstring(figure.svg)
    published = sum(unit.published == 1 or design != "holdout" for unit in made.units)
    assert sum(count for _, count, _ in figure.bars) == published
    assert sum(expected for _, _, expected in figure.bars) == pytest.approx(published)


def hostile(tmp_path: Path) -> DealtResult:
    """A result with hostile texts wherever a text of others stands."""
    plan = make_plan(tmp_path / "plan", texts=lambda unit, one: f"{HOSTILE} {unit} {one}".replace("\0", ""))
    made = result(plan, reveal=True, references=1)
    units = tuple(unit.model_copy(update={"id": HOSTILE}) for unit in made.units)
    control = next(iter(made.controls.values()))
    return made.model_copy(update={"name": HOSTILE, "units": units, "controls": {HOSTILE: control}})


def test_texts_of_others_cannot_act_in_any_format(tmp_path: Path) -> None:
    made = hostile(tmp_path)
    for name, form in dealt_renderers().items():
        written = form.render(made)
        assert "\x1b" not in written, name
        assert "\u202e" not in written, name
        if name == "html":
            html5lib.HTMLParser(strict=True).parse(written)
            assert "<script" not in written
            assert "<img" not in written
        if name == "markdown":
            assert "<script" not in written
        if name == "junit":
            ElementTree.fromstring(written)


def test_junit_has_a_case_for_the_verdict_and_each_check(tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan", units=8))
    root = ElementTree.fromstring(render(made, "junit"))
    names = [case.get("name") for case in root.iter("testcase")]
    assert names == ["verdict", *(f"check {check.name}" for check in made.checks)]
    failures = [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None]
    assert failures == ["verdict", "check reach"]


def test_files_are_written_in_the_format_of_their_extension(tmp_path: Path) -> None:
    made = result(make_plan(tmp_path / "plan"))
    paths = [tmp_path / f"r.{suffix}" for suffix in ("html", "json", "md", "xml", "txt")]
    write_outputs(made, paths)
    assert json.loads(paths[1].read_text())["kind"] == "test"
    assert all(path.stat().st_size for path in paths)


def test_without_a_plan_no_format_speaks_of_coins_or_a_commitment_as_of_something(tmp_path: Path) -> None:
    rows = str(write_rows(tmp_path / "rows.jsonl", shuffled_rows()))
    source = str(write_identifiers(tmp_path / "src"))
    for made in (natural_result(order=rows, references=1), natural_result(identifiers=source, effect=100.0)):
        for name, form in dealt_renderers().items():
            written = form.render(made)
            shown = plain(written)
            if name != "json":
                for wanted in (made.verdict.sentence, made.coins.sentence):
                    assert plain(wanted) in shown, (name, wanted)
                assert "Who made the coins" not in shown
                assert "as it was published" not in shown
                assert not re.search(r"coins alone|the owner", shown), name
            for check in made.checks:
                assert check.name in written, name
        html5lib.HTMLParser(strict=True).parse(render(made, "html"))
