"""JUnit XML: one audit as a test suite, for the test pages of a CI server."""

from __future__ import annotations

from auditor.report.renderer import Renderer
from auditor.report.suites import document, suite
from auditor.results.result import AuditResult
from auditor.results.summary import summarise


def _render(result: AuditResult) -> str:
    manifest = result.manifest
    alone = {} if result.multiplicity is not None else {"p-value": repr(result.membership.p_value)}
    made = {
        "auditor": manifest.auditor_version,
        "created": manifest.created,
        "seed": str(manifest.seed),
        "configuration-sha256": manifest.configuration_sha256,
    }
    return document(result.name, [suite(result.name, result.gate, summarise(result), properties={**alone, **made})])


JUNIT = Renderer(name="junit", extensions=(".xml",), render=_render)
