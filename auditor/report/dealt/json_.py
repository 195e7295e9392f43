"""JSON: the result of a test itself."""

from __future__ import annotations

from auditor.report.dealt.renderer import DealtRenderer
from auditor.report.json_ import write_json

JSON = DealtRenderer(name="json", extensions=(".json",), render=write_json)
