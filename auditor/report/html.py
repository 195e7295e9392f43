"""HTML: one file that opens anywhere, with no script and nothing to fetch."""

from __future__ import annotations

import json
from typing import Any

from auditor.report import selection, series, thresholds
from auditor.report.chat import chat_sentences
from auditor.report.choices import setting_sentences
from auditor.report.renderer import Renderer
from auditor.report.tables.documents import MEMORISED
from auditor.report.tables.table import series_tables
from auditor.report.templating import environment
from auditor.results.forgetting.states import STATES
from auditor.results.passed_over import of_result
from auditor.results.result import AuditResult
from auditor.results.summary import evaluate_gate

_GROUPS = 10  # most telling groups shown of each side
_MARKED_DOCUMENTS = 6  # revealed documents whose tokens are shown
_MARKS = 120  # tokens shown of each
_FEATURES = 200


def _figures(result: AuditResult) -> list[dict[str, Any]]:
    from markupsafe import Markup

    from auditor.report.figures.figure import figures

    drawn = ((figure, figure.draw(result)) for figure in figures())
    return [
        {
            "figure": figure,
            "number": number,
            # Markup: the SVG is matplotlib's own, parsed and written again, so text in it is escaped already.
            "svg": Markup(svg),
            "words": figure.describe(result),
            "table": figure.table(result),
        }
        for number, (figure, svg) in enumerate(((f, svg) for f, svg in drawn if svg is not None), 1)
    ]


def _of_series(result: AuditResult, pictures: list[dict[str, Any]]) -> dict[str, Any]:
    """What the sections about a series of checkpoints need; `series` is None where there is none."""
    shown = series.series_of(result)
    if shown is None:
        return {"series": None, "last": None}
    tables = series_tables()
    built = {table.name: table.build(result) for table in tables}
    return {
        "series": shown,
        "last": shown.checkpoints[-1] if result.kind == "forget" else None,
        "pictures": {picture["figure"].name: picture for picture in pictures},
        "tables": built,
        "titles": {table.name: table.title for table in tables},
        "described": [table for table in tables if table.how_to_read and built[table.name].rows],
        "placebo_alarms": series.placebo_alarms(result),
        "guard_findings": series.shared_findings(shown.checkpoints),
        "relearned": [checkpoint for checkpoint in shown.checkpoints if checkpoint.relearning is not None],
        "state_thresholds": thresholds.threshold_rows(shown.thresholds),
        "states": STATES,
        "codes_shown": {checkpoint.state.code for checkpoint in shown.checkpoints},
        "memorised": MEMORISED,
    }


def _render(result: AuditResult) -> str:
    pictures = _figures(result)
    telling = {side: selection.highest_scoring(result, side, _GROUPS) for side in ("suspect", "heldout")}
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            gate_outcome=evaluate_gate(result),
            figures=[picture for picture in pictures if picture["figure"].part == "audit"],
            counts=selection.guard_counts(result.guards),
            notes={note.name: note for note in result.feature_notes},
            columns=selection.strongest_columns(result)[:_FEATURES],
            telling=telling,
            setting_sentences=setting_sentences(result.manifest.nondefault_settings),
            left_out=of_result(result),
            level_words=series.level_words(result),
            chat_sentences=() if result.manifest.chat is None else chat_sentences(result.manifest.chat),
            marked=selection.marked_documents(result, _MARKED_DOCUMENTS),
            thresholds=thresholds.threshold_rows(result.thresholds),
            marks_shown=_MARKS,
            **_of_series(result, [picture for picture in pictures if picture["figure"].part == "series"]),
            configuration=json.dumps(result.manifest.configuration, indent=2, ensure_ascii=False, default=str),
        )
    )


HTML = Renderer(name="html", extensions=(".html", ".htm"), render=_render)
