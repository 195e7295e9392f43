"""The features of an audit as a CSV table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

from auditor.core.text import visible
from auditor.results.result import AuditResult, DocumentResult
from auditor.results.rows import FeatureTable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def features_csv(result: AuditResult) -> bytes:
    """One row a document: its identity, its score, and every measured feature exactly.

    Numbers are the shortest decimals that give the same float64 again; a cell is empty where there is none. A name that
    a spreadsheet would take for a formula has an apostrophe in front, and hidden characters are written out.
    """
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    tables = list(_tables(result))
    names = [f"{label}{column.name}" for label, table in tables for column in table.columns]
    writer.writerow(["side", "id", "group", "sha256", "tokens", "score", *map(_plain, names)])
    for index, document in enumerate(result.documents):
        values = [value for _, table in tables for value in table.values[index].tolist()]
        writer.writerow([*_named(document), *("" if math.isnan(value) else repr(value) for value in values)])
    return stream.getvalue().encode("utf-8")


def _tables(result: AuditResult) -> Iterator[tuple[str, FeatureTable]]:
    """The tables of documents, each with the prefix of its column names."""
    measurements = result.measurements
    if measurements is None:
        return
    yield "", measurements.features
    for label, table in measurements.controls.items():
        yield f"control {label}: ", table
    for name, table in measurements.procedures.items():
        yield f"procedure {name}: ", table


def _named(document: DocumentResult) -> list[str]:
    score = "" if document.score is None else repr(document.score)
    return [document.side, _plain(document.id), _plain(document.group), document.sha256, str(document.tokens), score]


def _plain(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if text.startswith(_FORMULA) else shown
