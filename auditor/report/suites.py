"""Test suites in the JUnit format: one suite an audit, one case for the verdict and one for each guard.

The format has no specification; element order and attributes follow what Jenkins, GitLab and GitHub's readers agree on.
Several failures of one case are lost by some of them, and properties and names of suites by others: a case has at most
one, with the whole story in its text, and each case names its audit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from auditor.core.text import visible
from auditor.report.gate import correction_sentence, gate_sentence, status_of
from auditor.report.text import format_auc, format_interval, format_number, format_p, format_percent
from auditor.results.gate import Gate
from auditor.results.guards import GuardResult
from auditor.results.summary import Summary

if TYPE_CHECKING:
    from junitparser import TestCase, TestSuite
    from junitparser.junitparser import FinalResult


def suite(
    name: str, gate: Gate, said: Summary | None, *, error: str = "", properties: Mapping[str, str] | None = None
) -> TestSuite:
    """One audit as a suite.

    Args:
        name: How the audit is called.
        gate: What makes it red.
        said: What it said; None where it broke.
        error: Why it broke.
        properties: What else is to be known of it.
    """
    from junitparser import Error, TestSuite

    made = TestSuite(visible(name))
    facts = {"expect": gate.expect, "fail-on": ", ".join(gate.fail_on), **(_facts(said) if said else {})}
    for key, value in {**facts, **(properties or {})}.items():
        made.add_property(visible(key), visible(value))
    if said is None:
        told = [line.strip() for line in error.splitlines()] or [""]
        made.add_testcase(_case(name, "verdict", told, Error(visible(told[0]), "broken")))
        return made
    made.add_testcases([_verdict(name, gate, said), *(_guard(name, gate, said, guard) for guard in said.guards)])
    return made


def document(name: str, suites: Iterable[TestSuite]) -> str:
    """Suites as one document, the same bytes whichever XML library is installed."""
    from junitparser import JUnitXml

    whole = JUnitXml(visible(name))
    for one in suites:
        whole.append(one)  # `add_testsuite` would merge suites that are called alike.
    whole.update_statistics()
    root = ElementTree.fromstring(whole.tostring())
    for element in root.iter():
        element.attrib.pop("time", None)  # A sum of durations that nobody measured.
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(audit: str, name: str, story: Sequence[str], result: FinalResult | None) -> TestCase:
    """One case; what a line holds cannot begin another."""
    from junitparser import TestCase

    case, told = TestCase(name=visible(name), classname=visible(audit)), "\n".join(map(visible, story))
    if result is not None:
        result.text = told
        case.append(result)
    case.system_out = told
    return case


def _verdict(name: str, gate: Gate, said: Summary) -> TestCase:
    from junitparser import Failure, Skipped

    verdict, gate_outcome = said.verdict, said.gate_outcome
    headline = visible(f"{verdict.outcome}: {verdict.sentence}")
    result: FinalResult | None = None
    if not gate_outcome.passed:
        result = Failure(headline, visible(gate_outcome.reason))
    elif verdict.outcome == "INCONCLUSIVE":
        result = Skipped(headline)
    return _case(name, "verdict", _story(gate, said), result)


def _story(gate: Gate, said: Summary) -> list[str]:
    verdict = said.verdict
    lines = [
        f"{verdict.outcome}: {verdict.sentence}",
        f"Not meant: {verdict.not_meaning}",
        *([f"To mend: {verdict.remediation}"] if verdict.remediation else []),
        gate_sentence(gate, said.gate_outcome),
        *([f"State of the last checkpoint: {said.state} {said.state_name}."] if said.state else []),
        f"AUC {format_auc(said.auc)}, {format_percent(said.auc_interval.level)} interval "
        f"{format_interval(said.auc_interval)}; "
        f"{said.groups_suspect:,} suspect and {said.groups_heldout:,} held-out groups; level "
        f"{format_number(said.alpha)}.",
        *([] if said.multiplicity is None else [f"In its batch: {correction_sentence(said.multiplicity, said.alpha)}"]),
        f"Validity class {verdict.validity_class}: {verdict.validity} Reason code: {verdict.reason}.",
        *(f"Guard {guard.name} {guard.status}: {guard.reason}" for guard in said.guards),
    ]
    return [*lines, *(f"{key}: {value}" for key, value in _digests(said).items())]


def _guard(name: str, gate: Gate, said: Summary, guard: GuardResult) -> TestCase:
    """A guard's case: it fails only where the gate is red for the verdict that the guard led to."""
    from junitparser import Failure, Skipped

    result: FinalResult | None = None
    if guard.status == "failed" and said.verdict.outcome == "INCONCLUSIVE" and "inconclusive" in gate.fail_on:
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
        f"It asks: {guard.question}",
        *([f"To mend: {guard.remediation}"] if guard.remediation else []),
        f"It cannot see: {guard.blind_spots}",
        *([] if guard.auc is None else [f"AUC: {format_auc(guard.auc)}"]),
        *([] if guard.p_value is None else [f"p-value: {format_p(guard.p_value)}"]),
        *figures,
    ]
    return _case(name, f"guard {guard.name}", lines, result)


def _facts(said: Summary) -> dict[str, str]:
    """Figures in full, for programs."""
    verdict, correction = said.verdict, said.multiplicity
    return {
        "verdict": verdict.outcome,
        "reason": verdict.reason,
        "validity-class": verdict.validity_class,
        "gate": status_of(said.gate_outcome),
        "exit-code": str(said.gate_outcome.exit_code),
        **({"state": f"{said.state} {said.state_name}"} if said.state else {}),
        "alpha": repr(said.alpha),
        "auc": repr(said.auc),
        "auc-low": repr(said.auc_interval.low),
        "auc-high": repr(said.auc_interval.high),
        "groups-suspect": str(said.groups_suspect),
        "groups-heldout": str(said.groups_heldout),
        **(
            {}
            if correction is None
            else {
                "p-value": repr(correction.p_value),
                "p-value-corrected": repr(correction.p_adjusted),
                "correction": correction.method,
                "audits": str(correction.audits),
                "audits-broken": str(correction.broken),
                "n_hypotheses": str(correction.n_hypotheses),
                "p-value-counted": repr(correction.p_entered),
            }
        ),
        **_digests(said),
    }


def _digests(said: Summary) -> dict[str, str]:
    """What was audited, to the last byte."""
    return {
        "suspect-sha256": said.suspect_sha256,
        "heldout-sha256": said.heldout_sha256,
        **{
            f"{model.role}{f' {model.name}' if model.name else ''} {number} {part}-sha256": digest
            for number, model in enumerate(said.models, 1)
            for part, digest in (("weights", model.weights_sha256), ("tokenizer", model.tokenizer_sha256))
        },
    }
