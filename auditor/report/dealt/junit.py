"""JUnit XML of a test: one case for the verdict and one for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.core.text import visible
from auditor.report.choices import setting_sentences
from auditor.report.dealt.renderer import DealtRenderer
from auditor.report.dealt.words import (
    coin_sentences,
    digests,
    effect_sentence,
    level_sentence,
    paid_sentence,
    stamp_checked,
    units_sentence,
)
from auditor.report.gate import correction_sentence, gate_sentence, status_of
from auditor.report.suites import check_case, document, suite_case
from auditor.report.text import format_p
from auditor.results.dealt.result import DealtResult
from auditor.results.summary import evaluate_gate

if TYPE_CHECKING:
    from junitparser import TestCase
    from junitparser.junitparser import FinalResult


def _verdict(result: DealtResult) -> TestCase:
    from junitparser import Failure, Skipped

    verdict, outcome = result.verdict, evaluate_gate(result)
    headline = visible(f"{verdict.headline}: {verdict.sentence}")
    found: FinalResult | None = None
    if not outcome.passed:
        found = Failure(headline, visible(outcome.reason))
    elif verdict.outcome == "INCONCLUSIVE":
        found = Skipped(headline)
    lines = [
        f"{verdict.headline}: {verdict.sentence}",
        *setting_sentences(result.manifest.nondefault_settings),
        verdict.not_meaning,
        *([f"What would change this verdict: {verdict.remediation}"] if verdict.remediation else []),
        gate_sentence(result.gate, outcome),
        f"{effect_sentence(result)}.",
        f"p = {format_p(result.p_paid, result.level)}, {level_sentence(result)}. {paid_sentence(result)}",
        *(
            []
            if result.multiplicity is None
            else [f"Correction over the batch: {correction_sentence(result.multiplicity, result.level)}"]
        ),
        f"{units_sentence(result)}.",
        *coin_sentences(result),
        f"Validity class {verdict.validity_class}, {verdict.grade}: {verdict.validity} Reason code: {verdict.reason}.",
    ]
    return suite_case(result.name, "verdict", lines, found)


def _render(result: DealtResult) -> str:
    from junitparser import TestSuite

    suite, outcome = TestSuite(visible(result.name)), evaluate_gate(result)
    facts = {
        "expect": result.gate.expect,
        "fail-on": ", ".join(result.gate.fail_on),
        "verdict": result.verdict.outcome,
        "grade": result.verdict.grade,
        "reason": result.verdict.reason,
        "validity-class": result.verdict.validity_class,
        "gate": status_of(outcome),
        "exit-code": str(outcome.exit_code),
        "design": result.plan.design,
        "batch": str(result.plan.batch),
        "units": str(result.units_scored),
        "coins": result.coins.grade,
        "surcharge-bits": str(result.coins.bits),
        "level": repr(result.level),
        "p-value": repr(result.p_value),
        "p-value-paid": repr(result.p_paid),
        **(
            {}
            if result.multiplicity is None
            else {"p-value-corrected": repr(result.multiplicity.p_adjusted), "correction": result.multiplicity.method}
        ),
        **digests(result),
        **({} if result.coins.stamp is None else {"stamp-root": stamp_checked(result.coins.stamp)}),
        **({"note": str(result.commitment["note"])} if result.commitment.get("note") else {}),
        **({"sealed-sha256": result.measurements.sealed_sha256} if result.measurements.sealed_sha256 else {}),
        "auditor": result.manifest.auditor_version,
        "created": result.manifest.created,
        "seed": str(result.manifest.seed),
        "configuration-sha256": result.manifest.configuration_sha256,
    }
    for key, value in facts.items():
        suite.add_property(visible(key), visible(value))
    suite.add_testcases([_verdict(result), *(check_case(result.name, result.gate, check) for check in result.checks)])
    return document(result.name, [suite])


JUNIT = DealtRenderer(name="junit", extensions=(".xml",), render=_render)
