from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.core.text import shorten, visible
from auditor.report.markdown import escape
from auditor.report.renderer import render
from auditor.results.guards import GuardResult
from auditor.results.result import AuditResult

markdown_it = pytest.importorskip("markdown_it")  # rich brings it


class Reader(HTMLParser):
    """Collects the text of table cells and the names of all elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.names: set[str] = set()
        self.inside = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag in {"td", "th"}:
            self.cells.append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data


def to_html(markdown: str) -> str:
    return str(markdown_it.MarkdownIt("commonmark").enable("table").render(markdown))


@given(st.text(alphabet=st.characters(codec="utf-8") | st.sampled_from("|`*_[]()<>&#\\~!:@-+.1\n"), max_size=60))
def test_a_cell_shows_exactly_what_it_was_given(foreign: str) -> None:
    read = Reader(to_html(f"| a |\n| --- |\n| {escape(foreign)} |\n"))
    assert read.cells == ["a", shorten(visible(foreign), 1000).strip()]
    assert read.names == {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("start", ["- a", "+ a", "1. a", "12) a", "# a", "> a", "=== a", "```", "    a", "* * *"])
def test_a_list_item_stays_one_paragraph(start: str) -> None:
    assert to_html(f"* {escape(start)}") == f"<ul>\n<li>{start.strip().replace('>', '&gt;')}</li>\n</ul>\n"


def test_hostile_strings_make_no_elements(hostile: AuditResult) -> None:
    names = Reader(to_html(render(hostile, "markdown"))).names
    assert names == {"h2", "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "ul", "li"}


def test_links_and_mentions_are_broken() -> None:
    written = escape("www.example.com https://example.com @someone a@b.c :smile: #12")
    assert not any(start in written for start in ("www.", "://", "@", ":s", "#1"))


def test_a_long_result_stays_within_the_limit(evidence: AuditResult) -> None:
    guard = evidence.guards[0]
    many = tuple(GuardResult(**(guard.model_dump() | {"name": f"g{n}", "reason": "<" * 900})) for n in range(400))
    written = render(evidence.model_copy(update={"guards": many}), "markdown")
    assert len(written.encode()) <= 1_000_000
    assert "EVIDENCE" in written
    assert "left out for its size" in written


def test_a_command_cannot_leave_its_fence(evidence: AuditResult) -> None:
    manifest = evidence.manifest.model_copy(update={"command": "a ```` b\n```\n# c <script>"})
    written = to_html(render(evidence.model_copy(update={"manifest": manifest}), "markdown"))
    assert "a ```` b[U+000A]```[U+000A]# c &lt;script&gt;" in written
    assert "<h1>" not in written
