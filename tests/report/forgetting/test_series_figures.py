from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from auditor.report.figures.figure import Figure, figures
from auditor.results.result import AuditResult

ALL = [figure for figure in figures() if figure.part == "series"]
EACH = pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.name)
pytestmark = [pytest.mark.usefixtures("drawn_anew"), pytest.mark.long]


def named(name: str) -> Figure:
    return next(figure for figure in ALL if figure.name == name)


def drawn(figure: Figure, result: AuditResult) -> str:
    svg = figure.draw(result)
    assert svg is not None
    return svg


def test_figures_are_found_in_order() -> None:
    assert [figure.name for figure in ALL] == ["trajectory", "layers", "relearning", "matrix", "movement"]


@EACH
def test_drawing_is_the_same_byte_for_byte(figure: Figure, forget: AuditResult) -> None:
    assert figure.draw(forget) == figure.draw(forget)


@EACH
def test_nothing_is_drawn_of_nothing(figure: Figure, evidence: AuditResult, forget: AuditResult) -> None:
    assert forget.forgetting is not None
    empty = forget.model_copy(update={"forgetting": forget.forgetting.model_copy(update={"checkpoints": ()})})
    for result in (evidence, empty):
        assert figure.draw(result) is None
        assert figure.describe(result)
        assert figure.table(result).rows == ()


def test_only_what_was_measured_is_drawn(bare_forget: AuditResult) -> None:
    assert [figure.name for figure in ALL if figure.draw(bare_forget)] == ["trajectory", "movement"]


@EACH
def test_svg_is_whole_bounded_and_follows_the_page(
    figure: Figure, hostile_forget: AuditResult, make_forget: Callable[..., AuditResult]
) -> None:
    long = make_forget(tuple("ABCDEF" * 10), layers=100, tasks=8)
    for result in (hostile_forget, long):
        svg = drawn(figure, result)
        assert len(svg.encode()) < 40_000
        root = ElementTree.fromstring(svg)
        texts = {child.get("id"): child.text for child in root if child.tag.endswith(("title", "desc"))}
        assert texts == {f"{figure.name}-title": figure.title, f"{figure.name}-desc": figure.describe(result)}
        bare = re.sub(r"var\(--[\w-]+, #[0-9a-f]{6}\)", "", svg)
        assert not re.findall(r"#[0-9a-f]{6}\b", bare)
        assert "<script" not in svg
        x, y = (float(value) for value in root.get("viewBox", "").split()[2:])
        inside = [e for e in root.iter() if e.tag.endswith("text")]
        assert inside
        assert all(0 <= float(e.get("x", "1")) <= x and 0 <= float(e.get("y", "1")) <= y for e in inside)


@EACH
def test_tables_match_their_headers(figure: Figure, forget: AuditResult) -> None:
    table = figure.table(forget)
    assert table.rows
    assert all(len(row) == len(table.headers) for row in table.rows)
    assert 1 <= table.names <= 2


def test_every_checkpoint_has_its_letter_in_the_trajectory(make_forget: Callable[..., AuditResult]) -> None:
    for codes in (("A", "B"), tuple("HWABCDEFG")):
        root = ElementTree.fromstring(drawn(named("trajectory"), make_forget(codes)))
        texts = ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("text")]
        assert [text.split()[0] for text in texts if re.fullmatch(r"[A-HW]( [a-z -]+)?", text)] == list(codes)


def test_the_placebo_stands_beside_only_where_it_was_given(
    make_forget: Callable[..., AuditResult], forget: AuditResult
) -> None:
    alone = make_forget(("A", "B"), placebo=False)
    assert ">placebo<" in drawn(named("trajectory"), forget)
    assert ">placebo<" not in drawn(named("trajectory"), alone)
    assert {row[3] for row in named("trajectory").table(alone).rows} == {"not given"}


def test_the_layers_of_the_reference_are_drawn(make_forget: Callable[..., AuditResult]) -> None:
    result = make_forget(("A", "A", "B", *"DDDDDDDDDDDDDDD"))
    names = list(dict.fromkeys(row[0] for row in named("layers").table(result).rows))
    assert len(names) == 6
    assert {"base", "step-2", "step-17"} <= set(names)


def test_figures_say_what_they_show(forget: AuditResult) -> None:
    assert "step-3: D fading, gap 0.151 bits per byte (0.102 to 0.200), AUC 0.666" in named("trajectory").describe(
        forget
    )
    assert "step-4, relearn-half: gap from 0.031 to 0.431 bits per byte" in named("relearning").describe(forget)
    assert "brought back" in named("relearning").describe(forget)
    assert "untrained on task-1: 0.51 by its own answers, 0.61 by the probe" in named("matrix").describe(forget)
    assert "median suspect document moved" in named("movement").describe(forget)
    assert "step-1: highest AUC" in named("layers").describe(forget)


def test_uneven_deciles_are_not_drawn(forget: AuditResult) -> None:
    assert forget.forgetting is not None
    slopes = forget.forgetting.change_deciles.model_copy(
        update={"heldout": forget.forgetting.change_deciles.heldout[:-1]}
    )
    series = forget.forgetting.model_copy(update={"change_deciles": slopes})
    assert named("movement").draw(forget.model_copy(update={"forgetting": series})) is None
