"""HTML of a test: one page with no script and nothing to fetch."""

from __future__ import annotations

import json

from auditor.report.choices import setting_sentences
from auditor.report.dealt import words
from auditor.report.dealt.figure import draw
from auditor.report.dealt.renderer import DealtRenderer
from auditor.report.templating import environment
from auditor.report.thresholds import threshold_rows
from auditor.results.dealt.result import DealtResult
from auditor.results.summary import evaluate_gate

_UNITS = 500  # rows of the table of units


def _render(result: DealtResult) -> str:
    from markupsafe import Markup

    figure = draw(result)
    return (
        environment()
        .get_template("dealt.html.j2")
        .render(
            result=result,
            gate_outcome=evaluate_gate(result),
            setting_sentences=setting_sentences(result.manifest.nondefault_settings),
            words=words,
            figure=figure,
            # Markup: the drawing is made of numbers and of words of this package.
            svg=None if figure is None else Markup(figure.svg),
            counts=words.check_counts(result),
            units=result.units[:_UNITS],
            thresholds=threshold_rows(result.thresholds),
            commitment=json.dumps(result.commitment, indent=2, ensure_ascii=False),
            configuration=json.dumps(result.manifest.configuration, indent=2, ensure_ascii=False, default=str),
        )
    )


HTML = DealtRenderer(name="html", extensions=(".html", ".htm"), render=_render)
