"""JSON: the result itself. Every other format can be made from it again."""

from __future__ import annotations

from auditor.report.renderer import Renderer
from auditor.result import AuditResult


def _render(result: AuditResult) -> str:
    return result.model_dump_json(indent=2) + "\n"


JSON = Renderer(name="json", extensions=(".json",), render=_render)
