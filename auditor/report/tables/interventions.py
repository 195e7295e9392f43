"""The interventions and what they brought back."""

from __future__ import annotations

from auditor.report.series import label, series_of
from auditor.report.tables.table import ReportTable, series_table
from auditor.report.text import format_p
from auditor.results.result import AuditResult


@series_table(name="interventions", order=130, title="Interventions")
def interventions(result: AuditResult) -> ReportTable:
    """Every intervention that ran, with its p-values."""
    series = series_of(result)
    level = series.thresholds.relearn_alpha if series else 0.0
    rows = [
        (
            label(checkpoint.name),
            probe.name,
            probe.method,
            format_p(probe.after_p_value, level),
            format_p(probe.rise_p_value, level),
            format_p(probe.p_value, level),
            format_p(probe.p_adjusted, level),
            "not tested" if probe.placebo_p_value is None else format_p(probe.placebo_p_value, level),
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
