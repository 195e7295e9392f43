"""JUnit: what CI servers read, read back by the two libraries that people use."""

from __future__ import annotations

import html
from typing import Any
from xml.etree import ElementTree

import junitparser.junitparser
import lxml.etree
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml, TestCase, TestSuite
from support.batch import WORDS, batch, checked, correction_of, gate, hostile_batch, one_of_each, outcome
from support.results import HOSTILE

from auditor.batch.renderer import batch_renderers
from auditor.core.text import visible
from auditor.results.batch import BatchEntry, BatchResult
from auditor.results.gate import Gate
from auditor.results.outcome import Outcome


def written(made: BatchResult) -> str:
    return batch_renderers()["junit"].render(made)


def suites(made: BatchResult) -> dict[str, TestSuite]:
    return {suite.name: suite for suite in JUnitXml.fromstring(written(made).encode())}


def one(audit: BatchEntry) -> TestSuite:
    (suite,) = suites(batch([audit])).values()
    return suite


def kind(case: TestCase) -> str:
    found = [type(result).__name__ for result in case.result]
    assert len(found) <= 1
    return found[0] if found else "passed"


def cases(suite: TestSuite) -> dict[str, str]:
    return {case.name: kind(case) for case in suite}


ASKED = [
    ("EVIDENCE", gate("no-evidence"), "Failure"),
    ("EVIDENCE", gate("evidence"), "passed"),
    ("EVIDENCE", Gate(expect="any", fail_on=()), "passed"),
    ("NO EVIDENCE", gate("no-evidence"), "passed"),
    ("NO EVIDENCE", gate("evidence"), "Failure"),
    ("INCONCLUSIVE", gate("no-evidence"), "Failure"),
    ("INCONCLUSIVE", gate("no-evidence", "evidence"), "Skipped"),
    ("INCONCLUSIVE", Gate(expect="any", fail_on=()), "Skipped"),
]


@pytest.mark.parametrize(("word", "asked", "expected"), ASKED)
def test_the_case_of_the_verdict_is_that_of_its_gate(word: Outcome, asked: Gate, expected: str) -> None:
    suite = one(outcome(checked(word, gate=asked), "audit"))
    assert cases(suite)["verdict"] == expected


@pytest.mark.parametrize(("word", "asked", "expected"), ASKED)
def test_a_guard_that_failed_is_red_only_where_it_made_the_gate_red(word: Outcome, asked: Gate, expected: str) -> None:
    found = cases(one(outcome(checked(word, gate=asked), "audit")))
    assert found["guard controls"] == "Skipped"  # It was not run.
    if word == "INCONCLUSIVE":
        assert found["guard blind"] == expected
    assert {name for name, result in found.items() if result == "Failure"} <= {"verdict", "guard blind"}
    assert ("Failure" in found.values()) == (found["verdict"] == "Failure")


def test_a_guard_that_failed_does_not_fail_a_gate_that_passed() -> None:
    unsound = checked("INCONCLUSIVE").guards
    expected = outcome(checked("EVIDENCE", gate=gate("evidence"), guards=unsound), "audit")
    assert expected.status == "passed"
    assert "Failure" not in cases(one(expected)).values()


def test_a_broken_audit_is_an_error_and_no_failure() -> None:
    suite = one(outcome(None, "audit"))
    assert cases(suite) == {"verdict": "Error"}
    assert (suite.tests, suite.errors, suite.failures, suite.skipped) == (1, 1, 0, 0)
    assert next(iter(suite)).result[0].text == "models/owl: no config.json there\nGive the folder of a model."


def test_counts_are_right_everywhere() -> None:
    root = ElementTree.fromstring(written(one_of_each()))
    for element in (root, *root.iter("testsuite")):
        count = {tag: len(list(element.iter(tag))) for tag in ("testcase", "failure", "error", "skipped")}
        assert [int(element.get(name, "-1")) for name in ("tests", "failures", "errors", "skipped")] == [
            *count.values()
        ]
    assert [suite.get("name") for suite in root] == [audit.name for audit in one_of_each().worst_first]


def test_no_time_is_invented() -> None:
    assert all("time" not in e.attrib for e in ElementTree.fromstring(written(one_of_each())).iter())


def test_the_whole_story_is_in_the_text_of_the_failure() -> None:
    audit = outcome(checked("INCONCLUSIVE", multiplicity=correction_of(0.0002, 0.0016)), "audit")
    suite = one(audit)
    case = next(iter(suite))
    found = audit.finding
    assert found is not None
    assert case.classname == "audit"
    assert case.system_out == case.result[0].text
    for part in (
        found.verdict.sentence,
        found.verdict.not_meaning,
        found.verdict.remediation,
        "Gate failed on INCONCLUSIVE, exit code 3.",
        "p = 0.0002 before and 0.0016 after the correction over 7 audits (Holm)",
        found.suspect_sha256,
        found.models[0].weights_sha256,
        *(f"Guard {guard.name} {guard.status}: {guard.reason}" for guard in found.guards),
    ):
        assert part in case.result[0].text


def test_properties_hold_figures_in_full() -> None:
    audit = outcome(checked("EVIDENCE", multiplicity=correction_of(0.0002, 0.0016)), "audit")
    told = {item.name: item.value for item in one(audit).properties()}
    found = audit.finding
    assert found is not None
    assert float(told["auc"]) == found.auc
    assert (told["p-value"], told["p-value-corrected"], told["alpha"]) == ("0.0002", "0.0016", "0.05")
    assert (told["audits"], told["audits-broken"], told["n-hypotheses"], told["correction"]) == ("7", "0", "1", "holm")
    assert (told["suspect-sha256"], told["heldout-sha256"]) == (found.suspect_sha256, found.heldout_sha256)
    assert told["target 1 weights-sha256"] == found.models[0].weights_sha256
    assert (told["result"], told["result-sha256"]) == ("audit/result.json", "ab" * 32)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("etree", [lxml.etree, ElementTree])
def test_hostile_names_come_back_as_text(word: Outcome, etree: Any) -> None:
    verdict = checked(word).verdict.model_copy(update={"sentence": HOSTILE, "not_meaning": HOSTILE})
    guards = tuple(guard.model_copy(update={"name": HOSTILE, "reason": HOSTILE}) for guard in checked(word).guards)
    made = batch(
        [outcome(checked(word, verdict=verdict, guards=guards), HOSTILE), outcome(None, HOSTILE, error=HOSTILE)]
    )
    root = etree.fromstring(written(made).encode())
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "properties",
        "property",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
    }
    assert [suite.get("name") for suite in root] == [visible(HOSTILE)] * 2
    assert root.find(".//error").get("message") == visible(HOSTILE.splitlines()[0].strip())
    told = root.findall("testsuite")[1].find("testcase").findtext("system-out")
    assert told.splitlines()[0] == visible(f"{word}: {HOSTILE}")
    assert "[U+001B][31mred[U+001B][0m [U+0000] [U+200B] [U+000A]# not" in told


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40))
def test_any_name_gives_a_document(name: str) -> None:
    root = ElementTree.fromstring(written(batch([outcome(None, name, folder="x", error=name)])).encode())
    assert root[0].get("name") == visible(name)


def test_suites_of_one_name_are_not_merged() -> None:
    made = batch([outcome(checked("EVIDENCE"), "same", folder="a"), outcome(checked("EVIDENCE"), "same", folder="a")])
    assert len(list(JUnitXml.fromstring(written(made).encode()))) == 2


def test_the_bytes_do_not_depend_on_the_library_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = set()
    for etree in (lxml.etree, ElementTree):
        monkeypatch.setattr(junitparser.junitparser, "etree", etree)
        made.add(written(one_of_each()) + written(hostile_batch()))
    assert len(made) == 1


def test_the_lines_of_an_error_are_sentences() -> None:
    """The message is the first of them, as CI servers show it in a list; nowhere do they run into each other."""
    broken = outcome(None, "a", error="unknown model_type ''\n  A newer transformers may know it.")
    (case,) = one(broken)
    (error,) = case.result
    assert error.message == "unknown model_type ''"
    assert error.text == "unknown model_type ''\nA newer transformers may know it."
    for name in ("text", "markdown", "html"):
        shown = " ".join(html.unescape(batch_renderers()[name].render(batch([broken]))).replace("\\", "").split())
        assert "unknown model_type ''. A newer transformers may know it." in shown
        assert "U+000A" not in shown
