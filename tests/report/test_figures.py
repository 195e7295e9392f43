from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from auditor.core.text import visible
from auditor.report.figures.figure import Figure, figures
from auditor.results.result import AuditResult

ALL = [figure for figure in figures() if figure.part == "audit"]
EACH = pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.name)
pytestmark = [pytest.mark.usefixtures("drawn_anew"), pytest.mark.long]


def drawn(figure: Figure, result: AuditResult) -> str:
    svg = figure.draw(result)
    assert svg is not None
    return svg


def test_figures_are_found_in_order() -> None:
    assert [figure.name for figure in ALL] == ["scores", "comparison", "sample-size", "columns"]


@EACH
def test_drawing_is_the_same_byte_for_byte(figure: Figure, evidence: AuditResult) -> None:
    assert figure.draw(evidence) == figure.draw(evidence)


def test_drawing_is_the_same_in_another_process_whatever_its_settings(evidence: AuditResult) -> None:
    code = (
        "import sys; import matplotlib as mpl; mpl.rcParams.update({'font.size': 30, 'axes.facecolor': 'red'})\n"
        "from auditor.results.result import AuditResult; from auditor.report.figures.figure import figures\n"
        "settings = lambda: {key: mpl.rcParams[key] for key in mpl.rcParams if not key.startswith('backend')}\n"
        "before = settings(); result = AuditResult.model_validate_json(sys.stdin.read())\n"
        "sys.stdout.reconfigure(encoding='utf-8')\n"
        "print(''.join(figure.draw(result) for figure in figures() if figure.part == 'audit'), end='')\n"
        "assert settings() == before and 'matplotlib.pyplot' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=evidence.model_dump_json().encode(), capture_output=True, check=True
    )
    assert done.stdout.decode() == "".join(drawn(figure, evidence) for figure in ALL)


@EACH
def test_svg_is_whole_and_bounded(figure: Figure, hostile: AuditResult, make: Callable[..., AuditResult]) -> None:
    for result in (hostile, make("EVIDENCE", groups=2000)):
        svg = drawn(figure, result)
        root = ElementTree.fromstring(svg)
        assert len(svg.encode()) < 40_000
        assert root.get("role") == "img"
        texts = {child.get("id"): child.text for child in root if child.tag.endswith(("title", "desc"))}
        assert texts == {f"{figure.name}-title": figure.title, f"{figure.name}-desc": figure.describe(result)}
        assert not [e for e in root.iter() if e.tag.endswith(("script", "style", "metadata", "image", "foreignObject"))]


def test_ids_do_not_collide(evidence: AuditResult) -> None:
    ids = re.findall(r' id="([^"]*)"', "".join(drawn(figure, evidence) for figure in ALL))
    assert len(set(ids)) == len(ids)


@EACH
def test_colours_follow_the_page(figure: Figure, evidence: AuditResult) -> None:
    svg = drawn(figure, evidence)
    assert "var(--" in svg
    bare = re.sub(r"var\(--[\w-]+, #[0-9a-f]{6}\)", "", svg)
    assert not re.findall(r"#[0-9a-f]{6}\b", bare)
    assert "font-family" not in svg
    assert "DejaVu" not in svg


@EACH
def test_tables_match_their_headers(figure: Figure, evidence: AuditResult) -> None:
    table = figure.table(evidence)
    assert table.rows
    assert all(len(row) == len(table.headers) for row in table.rows)


def test_score_table_counts_every_group(evidence: AuditResult) -> None:
    table = next(figure for figure in ALL if figure.name == "scores").table(evidence)
    assert sum(int(row[1]) for row in table.rows) == 60
    assert sum(int(row[2]) for row in table.rows) == 60


def test_comparison_holds_membership_guards_and_controls(make: Callable[..., AuditResult]) -> None:
    result = make("INCONCLUSIVE", groups=12)
    table = next(figure for figure in ALL if figure.name == "comparison").table(result)
    assert [row[0] for row in table.rows] == [
        "membership",
        "guard: blind",
        "guard: clusters",
        "control: owl-135m-base",
    ]
    assert table.rows[1][1:] == ("0.812", "0.747 to 0.871", "0.0002")
    assert table.rows[2][2] == "not stated"


def test_foreign_text_reaches_the_picture_as_text(evidence: AuditResult) -> None:
    column = evidence.membership.columns[0].model_copy(update={"name": "$x^2$</text><script>\x00"})
    result = evidence.model_copy(update={"membership": evidence.membership.model_copy(update={"columns": (column,)})})
    svg = drawn(next(figure for figure in ALL if figure.name == "columns"), result)
    texts = ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("text")]
    assert visible(column.name)[:14] == "$x^2$</text><s"
    assert any(text.startswith("$x^2$</text><s") and text.endswith("[U+0000]") for text in texts)


@EACH
def test_nothing_to_draw(figure: Figure, sparse: AuditResult) -> None:
    assert figure.draw(sparse) is None
    assert figure.describe(sparse)
