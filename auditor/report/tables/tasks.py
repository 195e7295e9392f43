"""Labelled tasks: measures of the matrix, splits, paired tests, geometry, and the probe layer by layer."""

from __future__ import annotations

from collections.abc import Callable

from auditor.core.text import shorten, visible
from auditor.report.series import label, series_of, spread
from auditor.report.tables.table import ReportTable, series_table
from auditor.report.text import format_fixed, format_p, format_percent
from auditor.results.forgetting.tasks import TaskFindings
from auditor.results.result import AuditResult

_ROWS = 120
_COLUMNS = 24
MEASURES: tuple[tuple[str, str, str], ...] = (
    ("accuracy", "Accuracy (ACC)", "mean of the last row: R[T, j] over all tasks j (Lopez-Paz and Ranzato 2017)"),
    ("learning_accuracy", "Learning accuracy (LA)", "mean of R[j, j], each task at its own stage (Riemer et al. 2019)"),
    (
        "backward_transfer",
        "Backward transfer (BWT)",
        "mean of R[T, j] − R[j, j] over j < T; negative is forgetting (Lopez-Paz and Ranzato 2017)",
    ),
    (
        "forward_transfer",
        "Forward transfer (FWT)",
        "mean of R[j−1, j] − r[j] over j > 1, r[j] being the origin's accuracy (after Lopez-Paz and Ranzato 2017)",
    ),
    (
        "forgetting_chaudhry",
        "Forgetting F",
        "mean over j < T of the highest R[l, j] with j ≤ l < T, less R[T, j] (Chaudhry et al. 2018)",
    ),
    (
        "forgetting_clipped",
        "Clipped forgetting",
        "the same with the highest R[l, j] of all stages, T too, so never below zero and blind to gains (as in "
        "several libraries)",
    ),
)
"""Field, name, formula in a line; R[i, j] is the accuracy on task j after stage i of T."""


def _tasks(result: AuditResult) -> TaskFindings | None:
    series = series_of(result)
    return series.tasks if series else None


@series_table(name="kinds", order=140, title="Labelled tasks, in the order in which they were learned")
def kinds(result: AuditResult) -> ReportTable:
    """What each task is."""
    tasks = _tasks(result)
    headers = ("Task", "Labels", "Source", "SHA-256 of the set", "Documents")
    if tasks is None:
        return ReportTable(headers, ())
    rows = [
        (
            label(task),
            ", ".join(map(label, labels[:20])) + (" and more" if len(labels) > 20 else ""),
            shorten(visible(source), 80),
            digest,
            f"{documents:,}",
        )
        for task, labels, source, digest, documents in zip(
            tasks.tasks, tasks.labels, tasks.sources, tasks.sha256, tasks.documents, strict=False
        )
    ]
    return ReportTable(headers, tuple(rows), names=4)


@series_table(name="measures", order=150, title="Measures of the accuracy matrix")
def measures(result: AuditResult) -> ReportTable:
    """Each measure under its own name with its formula."""
    tasks = _tasks(result)
    rows = []
    for field, name, formula in MEASURES if tasks else ():
        value: float | None = getattr(tasks.measures, field) if tasks else None
        rows.append((name, formula, "not stated" if value is None else format_fixed(value, 0)))
    return ReportTable(("Measure", "Formula", "Value"), tuple(rows), names=2)


@series_table(name="splits", order=160, title="Where each task's forgetting happened")
def splits(result: AuditResult) -> ReportTable:
    """Where each task's forgetting happened."""
    tasks = _tasks(result)
    rows = [
        (
            label(split.task),
            format_fixed(split.observed, 0),
            format_fixed(split.representation, 0),
            format_fixed(split.head, 0),
        )
        for split in (tasks.splits if tasks else ())
    ]
    headers = ("Task", "Fall of its own answers", "Fall of the probe (representation)", "The rest (head)")
    return ReportTable(headers, tuple(rows))


@series_table(name="tests", order=170, title="Exact McNemar tests")
def tests(result: AuditResult) -> ReportTable:
    """Exact McNemar tests."""
    tasks, alpha = _tasks(result), result.thresholds.alpha
    tests_run = tasks.tests if tasks else ()
    rows = [
        (
            label(test.task),
            f"{label(test.earlier)} to {label(test.later)}",
            f"{test.lost:,}",
            f"{test.gained:,}",
            format_p(test.p_value, alpha),
            format_p(test.p_adjusted, alpha),
        )
        for test in (tests_run[index] for index in spread(len(tests_run), _ROWS))
    ]
    return ReportTable(("Task", "Between", "Lost", "Gained", "p", "p (Holm)"), tuple(rows), names=2)


@series_table(name="geometry", order=180, title="Geometry of the classes")
def geometry(result: AuditResult) -> ReportTable:
    """Geometry of the classes in the hidden states."""
    tasks = _tasks(result)
    points = tasks.points if tasks else ()
    rows = [
        (
            label(point.model),
            label(point.task),
            _or(point.overlap, format_percent),
            _or(point.overlap_shuffled, format_percent),
            _or(point.neighbour_angles, lambda value: format_fixed(value, 0)),
            _or(point.class_drift, format_fixed),
        )
        for point in (points[index] for index in spread(len(points), _ROWS))
    ]
    headers = (
        "Model",
        "Task",
        "Overlapping cones",
        "With shuffled labels",
        "Neighbour angles (r)",
        "Drift of label rows (degrees)",
    )
    return ReportTable(headers, tuple(rows), names=2)


@series_table(name="probe_layers", order=190, title="Probe accuracy, layer by layer")
def probe_layers(result: AuditResult) -> ReportTable:
    """Probe accuracy, a layer a row and a task under a model a column."""
    tasks = _tasks(result)
    points = [point for point in (tasks.points if tasks else ()) if point.probe_layers]
    points = [points[index] for index in spread(len(points), _COLUMNS)]
    deepest = max((len(point.probe_layers) for point in points), default=0)
    rows = [
        (
            str(number),
            *(
                format_fixed(point.probe_layers[number]) if number < len(point.probe_layers) else "none"
                for point in points
            ),
        )
        for number in spread(deepest, _ROWS)
    ]
    return ReportTable(("Layer", *(f"{label(point.model)}: {label(point.task)}" for point in points)), tuple(rows))


def _or(value: float | None, write: Callable[[float], str]) -> str:
    return "none" if value is None else write(value)
