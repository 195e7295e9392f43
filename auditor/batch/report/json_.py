"""JSON: what a batch came to. The other files can be made from it again."""

from __future__ import annotations

from auditor.batch.renderer import BatchRenderer
from auditor.core.text import escape_json
from auditor.results.batch import BatchResult


def _render(batch: BatchResult) -> str:
    return escape_json(batch.model_dump_json(indent=2)) + "\n"


JSON = BatchRenderer(name="json", extensions=(".json",), filename="batch.json", render=_render)
