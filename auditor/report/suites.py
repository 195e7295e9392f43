"""Test suites in the JUnit format: one suite an audit, one case for the verdict and one for each guard.

The format has no specification; element order and attributes follow what Jenkins, GitLab and GitHub's readers agree on.
Several failures of one case are lost by some of them, and properties and names of suites by others: a case has at most
one, with all details in its text, and each case names its audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from auditor.core.text import visible
from auditor.report.choices import setting_sentences
from auditor.report.gate import correction_sentence, gate_sentence, status_of
from auditor.report.text import format_auc, format_interval, format_number, format_p, format_percent
from auditor.results.dealt.checks import PlanCheck
from auditor.results.gate import Gate
from auditor.results.guards import GuardResult
from auditor.results.summary import PlanTestSummary, Summary

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite
    from junitparser.junitparser import FinalResult


def suite(
    name: str,
    gate: Gate,
    summary: Summary | PlanTestSummary | None,
    *,
    error: str = "",
    properties: Mapping[str, str] | None = None,
) -> TestSuite:
    """One audit as a suite.

    Args:
        name: Of the audit.
        gate: Its gate.
        summary: Of its result; None where it broke.
        error: Why it broke.
        properties: Further properties of the suite.
    """
    from junitparser import Error, TestSuite

    built = TestSuite(visible(name))
    facts = {"expect": gate.expect, "fail-on": ", ".join(gate.fail_on), **(_facts(summary) if summary else {})}
    for key, value in {**facts, **(properties or {})}.items():
        built.add_property(visible(key), visible(value))
    if summary is None:
        lines = [line.strip() for line in error.splitlines()] or [""]
        built.add_testcase(suite_case(name, "verdict", lines, Error(visible(lines[0]), "broken")))
        return built
    built.add_testcases([_verdict(name, gate, summary), *_conditions(name, gate, summary)])
    return built


def document(name: str, suites: Iterable[TestSuite]) -> str:
    """Suites as one document, the same bytes whichever XML library is installed."""
    from junitparser import JUnitXml

    whole = JUnitXml(visible(name))
    for item in suites:
        whole.append(item)  # `add_testsuite` would merge suites that are called alike.
    whole.update_statistics()
    root = ElementTree.fromstring(whole.tostring())
    for element in root.iter():
        element.attrib.pop("time", None)  # A sum of durations that were never measured.
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def suite_case(audit: str, name: str, lines: Sequence[str], result: FinalResult | None) -> TestCase:
    """One case; hidden characters of a line cannot begin another line."""
    from junitparser import TestCase

    case, text = TestCase(name=visible(name), classname=visible(audit)), "\n".join(map(visible, lines))
    if result is not None:
        result.text = text
        case.append(result)
    case.system_out = text
    return case


def _verdict(name: str, gate: Gate, summary: Summary | PlanTestSummary) -> TestCase:
    from junitparser import Failure, Skipped

    verdict, gate_outcome = summary.verdict, summary.gate_outcome
    headline = visible(f"{verdict.headline}: {verdict.sentence}")
    result: FinalResult | None = None
    if not gate_outcome.passed:
        result = Failure(headline, visible(gate_outcome.reason))
    elif verdict.outcome == "INCONCLUSIVE":
        result = Skipped(headline)
    return suite_case(name, "verdict", _details(gate, summary), result)


def _details(gate: Gate, summary: Summary | PlanTestSummary) -> list[str]:
    verdict = summary.verdict
    lines = [
        f"{verdict.headline}: {verdict.sentence}",
        *setting_sentences(summary.nondefault_settings),
        f"What this does not mean: {verdict.not_meaning}",
        *([f"What would change this verdict: {verdict.remediation}"] if verdict.remediation else []),
        gate_sentence(gate, summary.gate_outcome),
        *([f"State of the last checkpoint: {summary.state} {summary.state_name}."] if summary.state else []),
        f"{_effect(summary)}; level {format_number(summary.alpha)}.",
        *(
            []
            if summary.multiplicity is None
            else [f"Correction over the batch: {correction_sentence(summary.multiplicity, summary.alpha)}"]
        ),
        f"Validity class {verdict.validity_class}, {verdict.grade}: {verdict.validity} Reason code: {verdict.reason}.",
        *_condition_lines(summary),
    ]
    return [*lines, *(f"{key}: {value}" for key, value in summary.digests.items())]


def _effect(summary: Summary | PlanTestSummary) -> str:
    """The effect and the size of the test."""
    if summary.auc is None or summary.auc_interval is None:
        return f"Too little was scored to compare anything; {summary.compared}"
    auc = (
        f"AUC {format_auc(summary.auc)}, {format_percent(summary.auc_interval.level)} interval "
        f"{format_interval(summary.auc_interval)}"
    )
    if isinstance(summary, PlanTestSummary):
        return f"{auc}; {summary.compared}"
    return f"{auc}; {summary.groups_suspect:,} suspect and {summary.groups_heldout:,} held-out groups"


def _condition_lines(summary: Summary | PlanTestSummary) -> list[str]:
    if isinstance(summary, PlanTestSummary):
        return [f"Check {check.name} {check.status}: {check.reason}" for check in summary.checks]
    return [f"Guard {guard.name} {guard.status}: {guard.reason}" for guard in summary.guards]


def _conditions(name: str, gate: Gate, summary: Summary | PlanTestSummary) -> list[TestCase]:
    if isinstance(summary, PlanTestSummary):
        return [check_case(name, gate, check) for check in summary.checks]
    return [_guard(name, gate, summary, guard) for guard in summary.guards]


def check_case(name: str, gate: Gate, check: PlanCheck) -> TestCase:
    """A check's case: it fails only where the gate failed on the verdict that the check caused."""
    from junitparser import Failure, Skipped

    found: FinalResult | None = None
    if check.status == "failed" and "inconclusive" in gate.fail_on:
        found = Failure(visible(check.reason), visible(f"check {check.name}"))
    elif check.status != "passed":
        found = Skipped(visible(f"{check.status}: {check.reason}"))
    lines = [f"{check.name} {check.status}: {check.reason}", f"Question: {check.question}"]
    lines += [f"Remediation: {check.remediation}"] if check.remediation else []
    return suite_case(name, f"check {check.name}", lines, found)


def _guard(name: str, gate: Gate, summary: Summary, guard: GuardResult) -> TestCase:
    """A guard's case: it fails only where the gate failed on the verdict that the guard caused."""
    from junitparser import Failure, Skipped

    result: FinalResult | None = None
    if guard.status == "failed" and summary.verdict.outcome == "INCONCLUSIVE" and "inconclusive" in gate.fail_on:
        result = Failure(visible(guard.reason), visible(f"guard {guard.name}"))
    elif guard.status != "passed":
        result = Skipped(visible(f"{guard.status}: {guard.reason}"))
    figures = (
        f"{figure.name}: {format_number(figure.value, figure.limit)}"
        + ("" if figure.limit is None else f" (limit {format_number(figure.limit)})")
        for figure in guard.figures
    )
    lines = [
        f"{guard.name} {guard.status}: {guard.reason}",
        f"Question: {guard.question}",
        *([f"Remediation: {guard.remediation}"] if guard.remediation else []),
        f"Blind spots: {guard.blind_spots}",
        *([] if guard.auc is None else [f"AUC: {format_auc(guard.auc)}"]),
        *([] if guard.p_value is None else [f"p-value: {format_p(guard.p_value)}"]),
        *figures,
    ]
    return suite_case(name, f"guard {guard.name}", lines, result)


def _facts(summary: Summary | PlanTestSummary) -> dict[str, str]:
    """Figures in full, for programs."""
    verdict, correction = summary.verdict, summary.multiplicity
    return {
        "verdict": verdict.outcome,
        "grade": verdict.grade,
        "reason": verdict.reason,
        "validity-class": verdict.validity_class,
        "gate": status_of(summary.gate_outcome),
        "exit-code": str(summary.gate_outcome.exit_code),
        **({"state": f"{summary.state} {summary.state_name}"} if summary.state else {}),
        "alpha": repr(summary.alpha),
        **_effect_facts(summary),
        **(
            {}
            if correction is None
            else {
                "p-value": repr(correction.p_value),
                "p-value-corrected": repr(correction.p_adjusted),
                "correction": correction.method,
                "audits": str(correction.audits),
                "audits-broken": str(correction.broken),
                "n-hypotheses": str(correction.n_hypotheses),
                "p-value-entered": repr(correction.p_entered),
            }
        ),
        **summary.digests,
    }


def _effect_facts(summary: Summary | PlanTestSummary) -> dict[str, str]:
    interval = summary.auc_interval
    effect = {"auc": repr(summary.auc)} if summary.auc is not None else {}
    effect |= {} if interval is None else {"auc-low": repr(interval.low), "auc-high": repr(interval.high)}
    if isinstance(summary, PlanTestSummary):
        return {
            **effect,
            "design": summary.plan.design,
            "units": str(summary.units_scored),
            "coins": summary.coins,
            "surcharge-bits": str(summary.bits),
            "p-value-unpaid": repr(summary.p_value),
        }
    return {
        **effect,
        "groups-suspect": str(summary.groups_suspect),
        "groups-heldout": str(summary.groups_heldout),
    }
