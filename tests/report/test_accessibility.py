"""The pages in a browser: no serious finding of axe, no scrolling sideways on a phone, rows ordered by the keyboard.

Needs Chromium on the machine and `pip install .[browser]`; Chromium's policies for the pages are bypassed only for the
axe script, which the browser's own protocol puts there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.batch import batch, hostile_batch, many, one_of_each
from support.results import build, hostile_result
from support.series import build_forget, build_series

from auditor.batch.renderer import batch_renderers
from auditor.report.renderer import render
from auditor.results.batch import BatchResult
from auditor.results.result import AuditResult

pytestmark = pytest.mark.slow

NAMES = ("chromium", "chromium-browser", "google-chrome")


def index(made: BatchResult) -> str:
    return batch_renderers()["html"].render(made)


def report(result: AuditResult) -> str:
    return render(result, "html")


PAGES: dict[str, Callable[[], str]] = {
    "evidence": lambda: report(build("EVIDENCE", reveal=True)),
    "no evidence": lambda: report(build("NO EVIDENCE")),
    "inconclusive": lambda: report(build("INCONCLUSIVE")),
    "hostile": lambda: report(hostile_result()),
    "forget": lambda: report(build_forget(("A", "B", "C", "D", "E", "F", "G", "H", "W"))),
    "check beside a series": lambda: report(
        build("EVIDENCE", groups=12).model_copy(update={"forgetting": build_series()})
    ),
    "batch": lambda: index(one_of_each()),
    "batch that passed": lambda: index(batch(one_of_each().audits[-3:])),
    "hostile batch": lambda: index(hostile_batch()),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs `pip install .[browser]`")
    flags = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []  # Chromium refuses one to root.
    with playwright.sync_playwright() as started:
        # Its own is of the release it was made for; it has one where `playwright install chromium` was run.
        own = started.chromium.executable_path
        chromium = own if Path(own).exists() else next(filter(None, map(shutil.which, NAMES)), None)
        if chromium is None:
            pytest.skip("no Chromium on this machine")
        opened = started.chromium.launch(executable_path=chromium, args=flags)
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a page: `show(html, width=..., color_scheme=...)`."""
    contexts = []

    def open_page(html: str, *, width: int = 1200, **asked: Any) -> Any:
        (tmp_path / "page.html").write_text(html, encoding="utf-8")
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True, **asked))
        page = contexts[-1].new_page()
        page.goto((tmp_path / "page.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(show: Callable[..., Any], name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs `pip install .[browser]`").Axe()
    for width in (1200, 320):
        found = axe.run(show(PAGES[name](), width=width, color_scheme=scheme))
        serious = [
            (violation["id"], [(node["target"], node["failureSummary"]) for node in violation["nodes"][:3]])
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == [], width


def test_axe_finds_what_is_wrong(show: Callable[..., Any]) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs `pip install .[browser]`").Axe()
    faint = index(one_of_each()).replace("--ink: #1b1e23", "--ink: #e0e0e0")
    found = axe.run(show(faint, color_scheme="light"))
    assert "color-contrast" in {violation["id"] for violation in found.response["violations"]}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_scrolls_sideways_on_a_phone_or_on_paper(show: Callable[..., Any], name: str) -> None:
    page = show(PAGES[name](), width=320)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 680, "height": 900})  # An A4 page between its margins.
    page.emulate_media(media="print")
    # A browser prints what is a third too wide smaller, and cuts off what is wider still.
    assert page.evaluate("document.documentElement.scrollWidth") <= 680 * 4 / 3


def seen(page: Any) -> list[str]:
    """Names of the audits from top to bottom, as they are painted."""
    rows = page.evaluate(
        "[...document.querySelectorAll('.audits tbody tr')].map("
        "row => [row.getBoundingClientRect().top, row.querySelector('th').textContent])"
    )
    return [name for _, name in sorted(rows)]


def test_rows_are_ordered_by_the_keyboard_alone(show: Callable[..., Any]) -> None:
    page = show(index(one_of_each()))
    worst = [audit.name for audit in one_of_each().worst_first]
    assert seen(page) == worst
    page.focus("#by-worst")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("#by-name")
    assert seen(page) == sorted(worst)
    page.keyboard.press("ArrowLeft")
    assert seen(page) == worst


def test_the_table_is_one_to_a_screen_reader(show: Callable[..., Any]) -> None:
    page = show(index(one_of_each()))
    for width in (1200, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.get_by_role("table").count() == 1
        assert page.get_by_role("row").count() == 8
        assert page.get_by_role("columnheader").count() == 9
        assert page.get_by_role("rowheader").count() == 7
        assert page.get_by_role("cell").count() == 7 * 8


def test_two_hundred_audits_are_shown_at_once(show: Callable[..., Any]) -> None:
    page = show(index(many(200)))
    page.check("#by-name")
    assert seen(page) == sorted(audit.name for audit in many(200).audits)
