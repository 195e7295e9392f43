"""Names in a result or a batch begin no line, act in no log and hide nothing, in every format."""

from __future__ import annotations

import json
import re

import pytest
from core.test_visible import INVISIBLE, acts
from support.batch import one_of_each
from support.results import build, poison
from support.series import build_forget, free_strings

from auditor.batch.renderer import batch_renderers
from auditor.core.text import visible
from auditor.report.renderer import renderers
from auditor.results.batch import BatchResult
from auditor.results.result import AuditResult

NAMES = [
    "::error::forged ##[error]x",
    f"name\n::error::{INVISIBLE}\x1b[2J\x85end",
    "long " * 30 + "::error::wrapped ##vso[x]y",
]
"""The last one is wrapped in the middle."""
FORMATS = ["html", "json", "junit", "markdown", "text"]


def poisoned(result: AuditResult, name: str) -> AuditResult:
    """A result whose free texts all begin with a name."""
    tree = poison(result.model_dump(mode="json", exclude={"forgetting"}), name, in_front=True)
    series = result.model_dump(mode="json", include={"forgetting"})
    return AuditResult.model_validate({**tree, **free_strings(series, lambda text: name + text)})


def lines(page: str) -> list[str]:
    """The lines of a page without its style sheets, which have double colons of their own."""
    return re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).splitlines()


def is_harmless(page: str) -> bool:
    hidden = [c for c in set(page) if c != "\n" and visible(f"a{c}b") != f"a{c}b"]
    return hidden == [] and not any(map(acts, lines(page)))


@pytest.fixture(scope="module")
def results() -> list[AuditResult]:
    return [build("EVIDENCE", reveal=True), build_forget()]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", FORMATS)
def test_a_result_of_hostile_names_is_harmless_in_every_format(
    form: str, name: str, results: list[AuditResult]
) -> None:
    for result in results:
        assert is_harmless(renderers()[form].render(poisoned(result, name)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("form", ["html", "json", "junit", "markdown", "text"])
def test_a_batch_of_hostile_names_is_harmless_in_every_format(form: str, name: str) -> None:
    hostile = BatchResult.model_validate(poison(one_of_each().model_dump(mode="json"), name, in_front=True))
    assert is_harmless(batch_renderers()[form].render(hostile))


def test_json_of_hostile_names_has_their_value() -> None:
    hostile = poisoned(build(), NAMES[1])
    assert json.loads(renderers()["json"].render(hostile)) == hostile.model_dump(mode="json")
