"""The words shared by every output of a batch: the head, and one row an audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from auditor.core.text import amount, in_a_row
from auditor.report.gate import PROMISES, REFUSED, Status, expected, red_on
from auditor.report.text import format_auc, format_interval, format_p
from auditor.results.batch import AuditOutcome, BatchEntry, BatchResult, PlanTestEntry, PlanTestOutcome
from auditor.results.correction import NAMES
from auditor.results.gate import FAILS

ABSENT = "none"
"""Shown where an audit has no such figure."""

NOT_MEANT = (
    "A passed gate means that the audit met the expectation of its configuration. It does not mean that the model was "
    "not trained on the documents."
)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audit as text.

    Attributes:
        verdict: One of three words, with the grade of EVIDENCE without a control; empty where the audit broke.
        state: Letter and name of the last checkpoint's state; empty of a `check`.
        fails_on: What makes the gate fail, where that is not the default for the expected verdict.
        reason: The sentence of the verdict with the thresholds that are not the default and its remediation, or why the
            audit broke.
    """

    name: str
    status: Status
    verdict: str
    state: str
    expected: str
    fails_on: str
    auc: str
    interval: str
    p: str
    p_adjusted: str
    groups: str
    reason: str
    about: str


def row(outcome: BatchEntry | PlanTestEntry) -> AuditRow:
    """Format an audit."""
    finding, gate = outcome.finding, outcome.gate
    multiplicity = outcome.multiplicity
    alpha = None if finding is None else finding.alpha
    return AuditRow(
        name=outcome.name,
        status=outcome.status,
        verdict="" if finding is None else finding.verdict.headline,
        state="" if finding is None or finding.state is None else f"{finding.state} {finding.state_name}",
        expected=expected(gate),
        fails_on="" if set(gate.fail_on) == set(FAILS[gate.expect]) else red_on(gate),
        auc=ABSENT if finding is None or finding.auc is None else format_auc(finding.auc),
        interval="" if finding is None or finding.auc_interval is None else format_interval(finding.auc_interval),
        p=ABSENT if multiplicity is None else format_p(multiplicity.p_value, alpha),
        p_adjusted=ABSENT if multiplicity is None else format_p(multiplicity.p_adjusted, alpha),
        groups=ABSENT if finding is None else finding.compared,
        reason=in_a_row(outcome.error) if finding is None else _reason(finding),
        about=outcome.about,
    )


def _reason(finding: AuditOutcome | PlanTestOutcome) -> str:
    # In few words, as there may be hundreds of audits; the report of each names the defaults too.
    thresholds = [f"{one.name} {one.value}" for one in finding.nondefault_settings if one.threshold]
    chosen = [f"Not the default: {', '.join(thresholds)}."] if thresholds else []
    left = [f"Left out: {finding.left_out}."] if finding.left_out else []
    return " ".join([finding.verdict.sentence, *chosen, finding.verdict.remediation, *left]).strip()


def status(batch: BatchResult) -> Status:
    """The status of the whole batch."""
    statuses = {outcome.status for outcome in batch.audits}
    return "broken" if "broken" in statuses else "failed" if "failed" in statuses else "passed"


def counts(batch: BatchResult) -> dict[Status, int]:
    """How many audits passed, failed and broke."""
    by_status = Counter(outcome.status for outcome in batch.audits)
    return {"passed": by_status["passed"], "failed": by_status["failed"], "broken": by_status["broken"]}


def verdicts(batch: BatchResult) -> str:
    """How many audits reached each verdict."""
    by_word = Counter(outcome.finding.verdict.headline for outcome in batch.audits if outcome.finding is not None)
    words = ("EVIDENCE", "EVIDENCE (no control)", "INCONCLUSIVE", "NO EVIDENCE")
    parts = (f"{count:,} {word}" for word in words if (count := by_word[word]))
    return ", ".join(parts) or "no verdict"


def headline(batch: BatchResult) -> str:
    """The whole batch in one sentence."""
    by_status, audits = counts(batch), amount(len(batch.audits), "audit")
    problems = [f"{by_status['broken']:,} broke"] if by_status["broken"] else []
    problems += [f"{by_status['failed']:,} failed"] if by_status["failed"] else []
    gates = f"Of {audits} {' and '.join(problems)}" if problems else f"No gate failed in {audits}"
    return f"{gates}. Verdicts: {verdicts(batch)}."


def correction(batch: BatchResult) -> str:
    """How the p-values were corrected, over how many, and what the correction guarantees."""
    name, promise = NAMES[batch.correction], PROMISES[batch.correction]
    multiplicity = next((outcome.multiplicity for outcome in batch.audits if outcome.multiplicity is not None), None)
    if multiplicity is None:
        return f"No p-value entered the correction ({name})."
    return (
        f"p-values are corrected after {name} over {multiplicity.over}: {promise}. An audit that is significant before "
        f"the correction and not after it is INCONCLUSIVE. {REFUSED}"
    )
