"""HTML: the page of a batch, one row an audit, sortable without script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from auditor.batch.renderer import BatchRenderer
from auditor.batch.report import _words
from auditor.report.templating import environment
from auditor.results.batch import BatchEntry, BatchResult, PlanTestEntry
from auditor.results.forgetting.states import STATES

_WORDS = ("EVIDENCE", "INCONCLUSIVE", "NO EVIDENCE")

_Entry = BatchEntry | PlanTestEntry
_Key = Callable[[_Entry], Any]


def _p(outcome: _Entry) -> float:
    return 2.0 if outcome.multiplicity is None else outcome.multiplicity.p_value


def _p_adjusted(outcome: _Entry) -> float:
    return 2.0 if outcome.multiplicity is None else outcome.multiplicity.p_adjusted


_ORDERS: dict[str, tuple[str, _Key]] = {
    "name": ("name", lambda outcome: outcome.name.casefold()),
    "verdict": (
        "verdict",
        lambda outcome: 3 if outcome.finding is None else _WORDS.index(outcome.finding.verdict.outcome),
    ),
    "effect": ("largest effect", lambda outcome: -(getattr(outcome.finding, "auc", None) or 0.0)),
    "p": ("smallest p", _p),
    "corrected": ("smallest corrected p", _p_adjusted),
}
"""Orders to choose from in addition to worst first: a label and the sort key."""


def _positions(outcomes: tuple[_Entry, ...]) -> list[dict[str, int]]:
    """The position of each audit in each order; ties stay in the order of worst first."""
    positions: list[dict[str, int]] = [{} for _ in outcomes]
    for order, (_, key) in _ORDERS.items():
        ranked = sorted(range(len(outcomes)), key=lambda number, key=key: key(outcomes[number]))  # type: ignore[misc]
        for position, number in enumerate(ranked):
            positions[number][order] = position
    return positions


def _link(path: str) -> str:
    """A path inside the batch's folder as a reference that leads nowhere else."""
    return f"./{quote(path.lstrip('/'), safe='/')}"


def _render(batch: BatchResult) -> str:
    outcomes = batch.worst_first
    rows = [
        {
            "row": _words.row(outcome),
            "link": None if outcome.finding is None else _link(outcome.finding.report),
            "state": None
            if outcome.finding is None or outcome.finding.state is None
            else STATES[outcome.finding.state],
            "positions": positions,
        }
        for outcome, positions in zip(outcomes, _positions(outcomes), strict=True)
    ]
    return (
        environment()
        .get_template("batch/index.html.j2")
        .render(
            batch=batch,
            rows=rows,
            status_word=_words.status(batch),
            headline=_words.headline(batch),
            counts=_words.counts(batch),
            correction=_words.correction(batch),
            not_meant=_words.NOT_MEANT,
            orders={order: label for order, (label, _) in _ORDERS.items()},
        )
    )


PAGE = BatchRenderer(name="html", extensions=(".html", ".htm"), filename="index.html", render=_render)
