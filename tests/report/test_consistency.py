"""The screen, JSON, JUnit, Markdown, the page and the exit code say the same, for every verdict and every gate."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

import pytest
from junitparser import JUnitXml, TestSuite
from support.batch import WORDS, batch, checked, forgotten, gate, outcome
from support.results import parse_page, words

from auditor.batch.renderer import batch_renderers
from auditor.report import html
from auditor.report.gate import SIGNS
from auditor.report.renderer import render
from auditor.results.batch import BatchResult
from auditor.results.forgetting.states import STATES
from auditor.results.gate import Gate
from auditor.results.result import AuditResult
from auditor.results.summary import evaluate_gate

GATES = (
    gate("no-evidence"),
    gate("evidence"),
    Gate(expect="any", fail_on=()),
    gate("no-evidence", "evidence"),
    gate("no-evidence", "inconclusive"),
    gate("no-evidence", "no evidence", "state D"),
    gate("no-evidence", "state C", "state D", "state E", "state H"),
)
RESULTS: dict[str, AuditResult] = {
    **{f"{word} {n}": checked(word, gate=one) for word, (n, one) in product(WORDS, enumerate(GATES))},
    **{
        f"{word} beside state {code} {n}": checked(word, gate=one, forgetting=forgotten(code).forgetting)
        for (word, code), (n, one) in product((("EVIDENCE", "C"), ("INCONCLUSIVE", "D")), enumerate(GATES))
    },
    **{f"state {code} {n}": forgotten(code, gate=one) for code, (n, one) in product(STATES, enumerate(GATES))},
}
EXIT_CODES = {"EVIDENCE": 1, "NO EVIDENCE": 1, "INCONCLUSIVE": 3}
"""Exit codes of a gate that fails on a verdict."""
DECIDED = set(STATES) - {"H", "W"}
"""States that make a gate fail with 1, whatever has become of the verdict."""


class Said(NamedTuple):
    """What an output says of an audit."""

    outcome: str
    status: str
    exit_code: int


def truth(result: AuditResult) -> Said:
    """What has to be said, from the definition of a gate."""
    word = result.verdict.outcome
    red = set(result.gate.fail_on)
    code = None if result.forgetting is None else result.forgetting.checkpoints[-1].state.code
    if code in DECIDED and f"state {code}" in red:
        return Said(word, "failed", 1)
    failed = word.lower() in red or f"state {code}" in red
    return Said(word, "failed" if failed else "passed", EXIT_CODES[word] if failed else 0)


GATE = re.compile(r"Gate (passed|failed)\b[^.]*?, exit code (\d)")


def judged(word: str, text: str) -> Said:
    found = GATE.findall(text)
    assert len(found) == 1, text
    return Said(word, found[0][0], int(found[0][1]))


def of_screen(text: str) -> Said:
    return judged(text.partition(": ")[0], " ".join(text[text.index("\nGate ") : text.index("\nEffect ")].split()))


def of_markdown(text: str) -> Said:
    found = re.search(r"^## \S (.+?): ", text)
    assert found is not None
    line = next(line for line in text.splitlines() if line[:1] in SIGNS.values())
    return judged(found[1], re.sub(r"&#\d+;", "_", line))


def of_json(text: str) -> Said:
    result = AuditResult.model_validate_json(text)
    judgement = evaluate_gate(result)
    return Said(result.verdict.outcome, "passed" if judgement.passed else "failed", judgement.exit_code)


def of_suite(suite: TestSuite) -> Said:
    told = {item.name: item.value for item in suite.properties()}
    case = next(case for case in suite if case.name == "verdict")
    assert judged(told["verdict"], case.system_out) == Said(told["verdict"], told["gate"], int(told["exit-code"]))
    assert (suite.failures > 0) == (told["gate"] == "failed")
    assert case.is_failure == (told["gate"] == "failed")
    assert case.is_skipped == (told["gate"] == "passed" and told["verdict"] == "INCONCLUSIVE")
    return judged(told["verdict"], case.result[0].text if case.is_failure else case.system_out)


def of_junit(text: str) -> Said:
    (suite,) = JUnitXml.fromstring(text.encode())
    return of_suite(suite)


def of_html(text: str) -> Said:
    part = text[text.index('<section id="verdict"') : text.index("</section>") + len("</section>")]
    section = next(parse_page(f"<!DOCTYPE html><title>t</title>{part}").iter("section"))
    word = words(next(section.iter("h2"))).strip().removeprefix("Verdict: ")
    told = next(item for item in section.iter("div") if words(item).startswith("Gate"))
    status = next(e for e in told.iter("span") if "status" in e.get("class", ""))
    said = judged(word, f"Gate {words(next(told.iter('dd'))).strip()}")
    assert words(status) == said.status
    return said


READERS = {"text": of_screen, "markdown": of_markdown, "json": of_json, "junit": of_junit, "html": of_html}


@pytest.mark.long
@pytest.mark.parametrize("form", READERS)
def test_every_output_of_one_audit_says_the_same(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "_figures", lambda result: [])  # They are most of the time and hold no verdict.
    for name, result in RESULTS.items():
        assert READERS[form](render(result, form)) == truth(result), name


def test_every_kind_of_answer_is_among_them() -> None:
    said = {truth(result) for result in RESULTS.values()}
    failed = {Said(word, "failed", code) for word, code in EXIT_CODES.items()} | {Said("INCONCLUSIVE", "failed", 1)}
    assert said == {Said(word, "passed", 0) for word in WORDS} | failed


BROKEN = Said("", "broken", 4)


def whole() -> BatchResult:
    """Every result as an audit of one batch, and one that broke."""
    return batch([*(outcome(result, name) for name, result in RESULTS.items()), outcome(None, "broken")])


def of_batch_screen(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(" | ")]
        if len(cells) == 6 and cells[0] != "Gate":
            yield cells[5], cells[1].rpartition(": ")[2].replace("none", ""), cells[0].lower()


def of_batch_markdown(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 9 and cells[0] not in ("Audit", "---"):
            yield cells[0], cells[2].partition(",")[0].replace("none", ""), cells[1][2:].strip("*")


def of_batch_html(text: str) -> Iterator[tuple[str, str, str]]:
    table = next(element for element in parse_page(text).iter("table") if "audits" in element.get("class", ""))
    for row in list(table.iter("tr"))[1:]:
        name = words(next(row.iter("th")))
        cells = list(row.iter("td"))
        small = [words(part) for part in cells[1].iter("small")]
        yield name, (small or [words(cells[1])])[0].replace("none", ""), words(cells[0]).strip()


def test_every_output_of_a_batch_says_the_same() -> None:
    made = whole()
    texts = {name: renderer.render(made) for name, renderer in batch_renderers().items()}
    expected = {name: truth(result) for name, result in RESULTS.items()} | {"broken": BROKEN}
    for form, read in (("text", of_batch_screen), ("markdown", of_batch_markdown), ("html", of_batch_html)):
        found = {name: (word, status) for name, word, status in read(texts[form])}
        assert found == {name: (said.outcome, said.status) for name, said in expected.items()}, form
    stored = {
        audit["name"]: Said(
            audit["finding"]["verdict"]["outcome"] if audit["finding"] else "", audit["status"], audit["exit_code"]
        )
        for audit in json.loads(texts["json"])["audits"]
    }
    assert stored == expected
    for suite in JUnitXml.fromstring(texts["junit"].encode()):
        if suite.name == "broken":
            assert [case.is_error for case in suite] == [True]
            assert {item.name: item.value for item in suite.properties()}["exit-code"] == "4"
        else:
            assert of_suite(suite) == expected[suite.name]


def batch_says(made: BatchResult) -> set[tuple[str, int]]:
    """The status and the exit code that each output of a batch shows."""
    texts = {name: renderer.render(made) for name, renderer in batch_renderers().items()}
    page = next(e for e in parse_page(texts["html"]).iter("section") if e.get("id") == "verdict")
    told = words(next(item for item in page.iter("div") if words(item).startswith("Exit code")))
    junit = JUnitXml.fromstring(texts["junit"].encode())
    exit_code = json.loads(texts["json"])["exit_code"]
    red = "broken" if junit.errors else "failed" if junit.failures else "passed"
    return {
        (words(next(page.iter("h2"))).partition(": ")[2].strip().lower(), int(told.removeprefix("Exit code")[:1])),
        *((form.lower(), int(code)) for form, code in re.findall(r"^(\w+): [^$]*?Exit code (\d)", texts["text"])),
        *((s.lower(), int(c)) for s, c in re.findall(r"## \S (\w+): [^$]*?Exit code (\d)", texts["markdown"])),
        (red, exit_code),
        (red, made.exit_code),
    }


def test_the_whole_batch_is_as_bad_as_its_worst_audit_everywhere() -> None:
    kinds = {
        0: outcome(checked("NO EVIDENCE"), "fine"),
        3: outcome(checked("INCONCLUSIVE"), "unsound"),
        1: outcome(checked("EVIDENCE"), "found"),
        4: outcome(None, "broken"),
    }
    worst = {(0,): 0, (3,): 3, (1,): 1, (4,): 4, (0, 3): 3, (0, 1): 1, (0, 4): 4, (3, 1): 1, (3, 4): 4, (1, 4): 4}
    worst |= {(0, 3, 1): 1, (0, 3, 4): 4, (0, 1, 4): 4, (3, 1, 4): 4, (0, 3, 1, 4): 4}
    assert set(worst) == {chosen for size in range(1, 5) for chosen in combinations(kinds, size)}
    for chosen, code in worst.items():
        status = {0: "passed", 4: "broken"}.get(code, "failed")
        assert batch_says(batch(kinds[kind] for kind in chosen)) == {(status, code)}, chosen
