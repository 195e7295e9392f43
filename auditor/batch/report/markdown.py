"""Markdown: a batch for a job summary or a pull request, the worst audit first, within GitHub's limits."""

from __future__ import annotations

from auditor.batch.renderer import BatchRenderer
from auditor.batch.report import _words
from auditor.core.text import amount, shorten, visible
from auditor.report.gate import SIGNS
from auditor.report.markdown import BYTES, escape
from auditor.report.text import moment
from auditor.results.batch import BatchResult

_NAME = 120  # characters of a name
_SENTENCE = 360  # of a sentence
_NOTE = 100  # bytes of the line that says what was left out
_HEADERS = ("Audit", "Gate", "Verdict", "Expected", "AUC", "p", "p corrected", "Groups", "Reason")


def _beginning(text: str) -> str:
    return text if len(text) <= _SENTENCE else f"{text[: _SENTENCE - 1].rstrip()}…"


def _line(row: _words.AuditRow) -> str:
    fails_on = f" (fails on {escape(row.fails_on)})" if row.fails_on else ""
    cells = (
        escape(shorten(visible(row.name), _NAME)),
        f"{SIGNS[row.status]} {row.status}" if row.status == "passed" else f"{SIGNS[row.status]} **{row.status}**",
        row.verdict + (f", state {escape(row.state)}" if row.state else "") or _words.ABSENT,
        f"{row.expected}{fails_on}",
        f"{row.auc} ({row.interval})" if row.interval else row.auc,
        row.p,
        row.p_adjusted,
        row.groups,
        escape(_beginning(visible(row.reason))),
    )
    return f"| {' | '.join(cells)} |\n"


def _render(batch: BatchResult) -> str:
    status = _words.status(batch)
    end = (
        f"\nauditor {escape(batch.auditor_version)}, {escape(moment(batch.created))}, configuration "
        f"{escape(shorten(visible(batch.configuration), _NAME))}, exit code {batch.exit_code}. `index.html` in the "
        "folder of the batch leads to the report of each audit.\n"
    )
    page = (
        f"## {SIGNS[status]} {status.upper()}: {escape(shorten(visible(batch.name), _NAME))}\n\n"
        f"**{_words.headline(batch)} Exit code {batch.exit_code}.**\n\n{_words.correction(batch)}\n\n"
        f"{_words.NOT_MEANT}\n\n| {' | '.join(_HEADERS)} |\n|{' --- |' * len(_HEADERS)}\n"
    )
    room = BYTES - len(end.encode("utf-8")) - _NOTE
    size = len(page.encode("utf-8"))
    lines: list[str] = []
    for outcome in batch.worst_first:
        line = _line(_words.row(outcome))
        size += len(line.encode("utf-8"))
        if size > room:
            break
        lines.append(line)
    left = len(batch.audits) - len(lines)
    more = f"\n{amount(left, 'more audit')} left out for the size; the other files have all.\n" if left else ""
    return page + "".join(lines) + more + end


MARKDOWN = BatchRenderer(name="markdown", extensions=(".md", ".markdown"), filename="summary.md", render=_render)
