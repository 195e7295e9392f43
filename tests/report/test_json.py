"""JSON: rows of figures stand on one line each, and every value comes back exactly."""

from __future__ import annotations

import json

from auditor.report.json_ import JSON
from auditor.results.result import AuditResult


def test_every_value_comes_back_exactly(small: AuditResult) -> None:
    written = JSON.render(small)
    assert json.loads(written) == small.model_dump(mode="json")
    assert AuditResult.model_validate_json(written) == small


def test_a_row_of_figures_is_a_line_and_a_list_of_words_is_not(small: AuditResult) -> None:
    lines = JSON.render(small).splitlines()
    row = json.dumps(small.model_dump(mode="json")["measurements"]["features"]["values"][2])
    assert any(line.strip().rstrip(",") == row for line in lines)
    assert any(line.strip().rstrip(",") == json.dumps(small.limitations[0], ensure_ascii=False) for line in lines)


def test_hostile_text_comes_back(hostile: AuditResult) -> None:
    assert AuditResult.model_validate_json(JSON.render(hostile)) == hostile
