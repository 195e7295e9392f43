"""JUnit XML: one test suite an audit."""

from __future__ import annotations

from auditor.batch.renderer import BatchRenderer
from auditor.report.suites import document, suite
from auditor.results.batch import BatchEntry, BatchResult, PlanTestEntry


def _properties(outcome: BatchEntry | PlanTestEntry) -> dict[str, str]:
    finding = outcome.finding
    inputs = outcome.inputs
    if finding is None:
        return {**inputs, "gate": outcome.status, "exit-code": str(outcome.exit_code)}
    return {**inputs, "report": finding.report, "result": finding.result, "result-sha256": finding.result_sha256}


def _render(batch: BatchResult) -> str:
    return document(
        batch.name,
        [
            suite(outcome.name, outcome.gate, outcome.finding, error=outcome.error, properties=_properties(outcome))
            for outcome in batch.worst_first
        ],
    )


JUNIT = BatchRenderer(name="junit", extensions=(".xml",), filename="junit.xml", render=_render)
