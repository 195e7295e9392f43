"""The thresholds of a result, each with what it decides."""

from __future__ import annotations

from auditor.core.record import Record, field_docs
from auditor.report.text import format_number


def threshold_rows(thresholds: Record) -> list[tuple[str, str, str]]:
    """Each single-valued threshold: its name, its value, what it decides."""
    docs = field_docs(type(thresholds))
    return [(name, format_number(value), docs[name]) for name, value in thresholds if isinstance(value, int | float)]
