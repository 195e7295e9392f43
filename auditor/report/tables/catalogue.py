"""Every table of a series by its name."""

from __future__ import annotations

from auditor.report.tables import contrasts, documents, models
from auditor.report.tables import interventions as probes
from auditor.report.tables import tasks as labelled
from auditor.report.tables.table import ReportTable
from auditor.results.result import AuditResult

_TABLES = {
    "losses": contrasts.losses,
    "gaps": contrasts.gaps,
    "changes": contrasts.changes,
    "memorisation": contrasts.memorisation,
    "equivalence": contrasts.equivalence,
    "events": contrasts.events,
    "engine": models.engine,
    "guards": models.guards,
    "drift": models.drift,
    "utility_loss": models.utility_loss,
    "weights": models.weights,
    "layer_weights": models.layer_weights,
    "interventions": probes.interventions,
    "kinds": labelled.kinds,
    "measures": labelled.measures,
    "splits": labelled.splits,
    "tests": labelled.tests,
    "geometry": labelled.geometry,
    "probe_layers": labelled.probe_layers,
    "largest_changes": documents.largest_changes,
}


def series_tables(result: AuditResult) -> dict[str, ReportTable]:
    """The tables of a result's series; one without rows has nothing to show."""
    return {name: make(result) for name, make in _TABLES.items()}
