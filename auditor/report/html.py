"""HTML: one file that opens anywhere, with no script and nothing to fetch."""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.report import meanings, selection, text
from auditor.report.renderer import Renderer
from auditor.result import AuditResult

if TYPE_CHECKING:
    from jinja2 import Environment

_GROUPS = 10  # most telling groups shown of each side
_MARKED_DOCUMENTS = 6  # revealed documents whose tokens are shown
_MARKS = 120  # tokens shown of each
_FEATURES = 200
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


def surprise(logprob: float) -> int:
    """How unexpected a token was, for its shade: 0 more likely than not, down to 1 in 10, 100, 10,000, 4 rarer."""
    return sum(logprob < math.log(bound) for bound in _SHADES)


def _figures(result: AuditResult) -> list[dict[str, Any]]:
    from markupsafe import Markup

    from auditor.report.figures.figure import figures

    drawn = ((figure, figure.draw(result)) for figure in figures())
    return [
        # Markup: the SVG is matplotlib's own, parsed and written again, so text in it is escaped already.
        {"figure": figure, "svg": Markup(svg), "words": figure.describe(result), "table": figure.table(result)}
        for figure, svg in drawn
        if svg is not None
    ]


def _render(result: AuditResult) -> str:
    telling = {side: selection.most_telling(result, side, _GROUPS) for side in ("suspect", "heldout")}
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            result=result,
            figures=_figures(result),
            counts=selection.guard_counts(result.guards),
            notes={note.name: note for note in result.feature_notes},
            columns=selection.strongest_columns(result)[:_FEATURES],
            telling=telling,
            marked=selection.marked_documents(result, _MARKED_DOCUMENTS),
            thresholds=meanings.threshold_rows(result.thresholds),
            marks_shown=_MARKS,
            configuration=json.dumps(result.manifest.configuration, indent=2, ensure_ascii=False, default=str),
        )
    )


HTML = Renderer(name="html", extensions=(".html", ".htm"), render=_render)
