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
from auditor.results.gate import Gate
from auditor.results.guards import GuardResult
from auditor.results.summary import Summary

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite
    from junitparser.junitparser import FinalResult


def suite(
    name: str, gate: Gate, summary: Summary | None, *, error: str = "", properties: Mapping[str, str] | None = None
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
    built.add_testcases(
        [_verdict(name, gate, summary), *(_guard(name, gate, summary, guard) for guard in summary.guards)]
    )
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


def _verdict(name: str, gate: Gate, summary: Summary) -> TestCase:
    from junitparser import Failure, Skipped

    verdict, gate_outcome = summary.verdict, summary.gate_outcome
    headline = visible(f"{verdict.headline}: {verdict.sentence}")
    result: FinalResult | None = None
    if not gate_outcome.passed:
        result = Failure(headline, visible(gate_outcome.reason))
    elif verdict.outcome == "INCONCLUSIVE":
        result = Skipped(headline)
    return suite_case(name, "verdict", _details(gate, summary), result)


def _details(gate: Gate, summary: Summary) -> list[str]:
    verdict = summary.verdict
    lines = [
        f"{verdict.headline}: {verdict.sentence}",
        *setting_sentences(summary.nondefault_settings),
        f"What this does not mean: {verdict.not_meaning}",
        *([f"What would change this verdict: {verdict.remediation}"] if verdict.remediation else []),
        gate_sentence(gate, summary.gate_outcome),
        *([f"State of the last checkpoint: {summary.state} {summary.state_name}."] if summary.state else []),
        f"AUC {format_auc(summary.auc)}, {format_percent(summary.auc_interval.level)} interval "
        f"{format_interval(summary.auc_interval)}; "
        f"{summary.groups_suspect:,} suspect and {summary.groups_heldout:,} held-out groups; "
        f"level {format_number(summary.alpha)}.",
        *(
            []
            if summary.multiplicity is None
            else [f"Correction over the batch: {correction_sentence(summary.multiplicity, summary.alpha)}"]
        ),
        f"Validity class {verdict.validity_class}, {verdict.grade}: {verdict.validity} Reason code: {verdict.reason}.",
        *(f"Guard {guard.name} {guard.status}: {guard.reason}" for guard in summary.guards),
    ]
    return [*lines, *(f"{key}: {value}" for key, value in _digests(summary).items())]


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


def _facts(summary: Summary) -> dict[str, str]:
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
        "auc": repr(summary.auc),
        "auc-low": repr(summary.auc_interval.low),
        "auc-high": repr(summary.auc_interval.high),
        "groups-suspect": str(summary.groups_suspect),
        "groups-heldout": str(summary.groups_heldout),
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
        **_digests(summary),
    }


def _digests(summary: Summary) -> dict[str, str]:
    """Digests of everything that was audited."""
    return {
        "suspect-sha256": summary.suspect_sha256,
        "heldout-sha256": summary.heldout_sha256,
        **{
            f"{model.role}{f' {model.name}' if model.name else ''} {number} {part}-sha256": digest
            for number, model in enumerate(summary.models, 1)
            for part, digest in (("weights", model.weights_sha256), ("tokenizer", model.tokenizer_sha256))
        },
    }
