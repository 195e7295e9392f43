"""JSON: the result itself. Every other format can be made from it again."""

from __future__ import annotations

import json
from typing import Any

from auditor.core.record import Record
from auditor.core.text import escape_json
from auditor.report.renderer import Renderer


def write_json(result: Record) -> str:
    """A record as indented JSON, rows of figures on one line each."""
    return escape_json(_written(result.model_dump(mode="json"), "\n")) + "\n"


def _written(value: Any, line: str) -> str:
    """A value as JSON, indented, but with rows of figures on one line each: there are tens of thousands of them.

    Args:
        value: What to write.
        line: The line break and indentation of the line it stands on.
    """
    deeper = line + "  "
    if isinstance(value, dict) and value:
        parts = (f"{_scalar(key)}: {_written(item, deeper)}" for key, item in value.items())
        return f"{{{deeper}{f',{deeper}'.join(parts)}{line}}}"
    if isinstance(value, list) and any(isinstance(item, dict | list | str) for item in value):
        return f"[{deeper}{f',{deeper}'.join(_written(item, deeper) for item in value)}{line}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


JSON = Renderer(name="json", extensions=(".json",), render=write_json)
