"""ReportTable: headers, rows of text, and what of them are names."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.report.text import estimate
from auditor.results.forgetting.estimate import Estimate


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Figures written out.

    Attributes:
        headers: One a column.
        rows: Cells as text.
        names: How many leading cells of a row are names, set as they are; the others are figures.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: int = 1


def or_else(value: Estimate | None, otherwise: str, *limits: float) -> str:
    """An estimate with its interval, or why there is none."""
    return otherwise if value is None else estimate(value, *limits)
