"""HTML: one file that opens anywhere, with no script and nothing to fetch."""

from __future__ import annotations

import json
import math
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.forgetting.findings.series import STATES
from auditor.forgetting.meanings import MEANS, NOT_MEANS
from auditor.report import meanings, selection, series, states, text
from auditor.report.renderer import Renderer
from auditor.report.tables.catalogue import series_tables
from auditor.report.tables.documents import MEMORISED
from auditor.result import AuditResult

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_GROUPS = 10  # most telling groups shown of each side
_MARKED_DOCUMENTS = 6  # revealed documents whose tokens are shown
_MARKS = 120  # tokens shown of each
_FEATURES = 200
_BRACKETED = re.compile(r"(.+?) \((.+)\)", re.DOTALL)
_LINES = 20_000  # characters of a command or a configuration
_SHADES = (1 / 2, 1 / 10, 1 / 100, 1 / 10_000)  # probabilities that part the shades of tokens; the legend names them


def _templates() -> Traversable:
    shipped = resources.files("auditor") / "templates"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "templates"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    folder = _templates()

    def show(value: Any) -> Any:
        return text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(*name.split("/")).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=show,
    )
    environment.filters.update(
        num=lambda value, limit=None: text.typeset(text.number(value, limit)),
        p=lambda value, limit=None: text.typeset(text.p_value(value, limit)),
        z=lambda value, limit=None: text.typeset(text.z_score(value, limit)),
        auc=lambda value: text.typeset(text.auc(value)),
        difference=lambda value: text.typeset(text.difference(value)),
        fixed=lambda value: text.typeset(f"{value:.3f}"),
        interval=text.interval,
        percent=lambda share: text.typeset(text.percent(share)),
        in_hundred=text.in_hundred,
        cell=_cell,
        typeset=text.typeset,
        amount=text.amount,
        moment=text.moment,
        shorten=text.shorten,
        # Shortened after hidden characters were written out: a text of nothing else grows eightfold.
        lines=lambda value, limit=_LINES: Markup(escape(text.shorten(text.visible(value, keep="\n\t"), limit))),
        short=lambda value, limit: Markup(escape(text.shorten(text.visible(value), limit))),
        surprise=surprise,
    )
    return environment


def _cell(written: str) -> Markup:
    """A figure of a table, what is in brackets after it on a line of its own."""
    from markupsafe import Markup, escape

    found = _BRACKETED.fullmatch(text.visible(written))
    if found is None:
        return Markup(escape(text.typeset(text.visible(written))))
    figure, rest = map(text.typeset, found.groups())
    return Markup("{} <small>({})</small>").format(figure, rest)


def surprise(logprob: float) -> int:
    """How unexpected a token was, for its shade: 0 more likely than not, down to 1 in 10, 100, 10,000, 4 rarer."""
    return sum(logprob < math.log(bound) for bound in _SHADES)


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
    return {
        "series": shown,
        "last": shown.checkpoints[-1] if result.kind == "forget" else None,
        "pictures": {picture["figure"].name: picture for picture in pictures},
        "tables": series_tables(result),
        "placebo_alarms": series.placebo_alarms(result),
        "guard_findings": series.shared_findings(shown.checkpoints),
        "relearned": [checkpoint for checkpoint in shown.checkpoints if checkpoint.relearning is not None],
        "state_thresholds": meanings.threshold_rows(shown.thresholds),
        "state_codes": [code for code in STATES if any(code == c.state.code for c in shown.checkpoints)],
        "state_names": STATES,
        "means": {code: MEANS[code] for code in states.ORDER},
        "not_means": NOT_MEANS,
        "tone": states.tone,
        "memorised": MEMORISED,
    }


def _render(result: AuditResult) -> str:
    pictures = _figures(result)
    telling = {side: selection.most_telling(result, side, _GROUPS) for side in ("suspect", "heldout")}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            figures=[picture for picture in pictures if picture["figure"].part == "audit"],
            counts=selection.guard_counts(result.guards),
            notes={note.name: note for note in result.feature_notes},
            columns=selection.strongest_columns(result)[:_FEATURES],
            telling=telling,
            level_words=series.level_words(result),
            marked=selection.marked_documents(result, _MARKED_DOCUMENTS),
            thresholds=meanings.threshold_rows(result.thresholds),
            marks_shown=_MARKS,
            **_of_series(result, [picture for picture in pictures if picture["figure"].part == "series"]),
            configuration=json.dumps(result.manifest.configuration, indent=2, ensure_ascii=False, default=str),
        )
    )


HTML = Renderer(name="html", extensions=(".html", ".htm"), render=_render)
