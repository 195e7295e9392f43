"""The interventions and what they brought back."""

from __future__ import annotations

from auditor.report.series import label, series_of
from auditor.report.tables.table import ReportTable
from auditor.report.text import p_value
from auditor.results.result import AuditResult


def interventions(result: AuditResult) -> ReportTable:
    """Every intervention that ran, with its p-values."""
    series = series_of(result)
    level = series.thresholds.relearn_alpha if series else 0.0
    rows = [
        (
            label(checkpoint.name),
            probe.name,
            probe.method,
            p_value(probe.after_p_value, level),
            p_value(probe.rise_p_value, level),
            p_value(probe.p_value, level),
            p_value(probe.p_adjusted, level),
            "not tested" if probe.placebo_p_value is None else p_value(probe.placebo_p_value, level),
            "yes" if probe.recovered else "no",
        )
        for checkpoint in (series.checkpoints if series else ())
        if checkpoint.relearning is not None
        for probe in checkpoint.relearning.probes
    ]
    headers = (
        "Checkpoint",
        "Intervention",
        "Method",
        "p after it",
        "p of the rise",
        "p of both",
        "p (Holm)",
        "Placebo p",
        "Brought back",
    )
    return ReportTable(headers, tuple(rows), names=3)
