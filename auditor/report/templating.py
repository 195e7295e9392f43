"""The Jinja environment of every page: where templates lie, and how figures and foreign text are written in them."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.core import text as core_text
from auditor.report import gate as gate_words
from auditor.report import text

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_BRACKETED = re.compile(r"(.+?) \((.+)\)", re.DOTALL)
_LINES = 20_000  # characters of a command or a configuration
_SHADES = (1 / 2, 1 / 10, 1 / 100, 1 / 10_000)  # probabilities that part the shades of tokens; the legend names them


def templates() -> Traversable:
    """The folder of the templates: inside the installed package, or in the checkout."""
    shipped = resources.files("auditor") / "templates"
    return shipped if shipped.is_dir() else Path(__file__).parents[2] / "templates"


@cache
def environment() -> Environment:
    """The environment: everything is escaped, hidden characters are written out, and an unknown name is an error."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup, escape

    folder = templates()

    def show(value: Any) -> Any:
        return core_text.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(*name.split("/")).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=show,
    )
    environment.filters.update(
        num=lambda value, limit=None: text.typeset(text.format_number(value, limit)),
        p=_typeset_p,
        z=lambda value, limit=None: text.typeset(text.format_z(value, limit)),
        auc=lambda value: text.typeset(text.format_auc(value)),
        difference=lambda value: text.typeset(text.format_difference(value)),
        fixed=lambda value: text.typeset(f"{value:.3f}"),
        interval=text.format_interval,
        percent=lambda share: text.typeset(text.format_percent(share)),
        in_hundred=text.in_hundred,
        cell=_cell,
        typeset=text.typeset,
        amount=core_text.amount,
        moment=text.moment,
        shorten=core_text.shorten,
        # Shortened after hidden characters were written out: a text of nothing else grows eightfold.
        lines=lambda value, limit=_LINES: Markup(
            escape(core_text.shorten(core_text.visible(value, keep="\n\t"), limit))
        ),
        short=lambda value, limit: Markup(escape(core_text.shorten(core_text.visible(value), limit))),
        surprise=surprise,
        gate_details=gate_words.gate_details,
        status_of=gate_words.status_of,
        correction_sentence=lambda correction, alpha: gate_words.correction_sentence(correction, alpha, _typeset_p),
    )
    return environment


def _cell(written: str) -> Markup:
    """A figure of a table, what is in brackets after it on a line of its own."""
    from markupsafe import Markup, escape

    match = _BRACKETED.fullmatch(core_text.visible(written))
    if match is None:
        return Markup(escape(text.typeset(core_text.visible(written))))
    figure, rest = map(text.typeset, match.groups())
    return Markup("{} <small>({})</small>").format(figure, rest)


def surprise(logprob: float) -> int:
    """How unexpected a token was, for its shade: 0 more likely than not, down to 1 in 10, 100, 10,000, 4 rarer."""
    return sum(logprob < math.log(bound) for bound in _SHADES)


def _typeset_p(value: float, limit: float | None = None) -> str:
    return text.typeset(text.format_p(value, limit))
