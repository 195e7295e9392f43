"""What every output of a batch says, in the same words: the head, and one row an audit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from auditor.core.text import amount, in_a_row
from auditor.report.gate import PROMISES, REFUSED, Status, expected, red_on
from auditor.report.text import format_auc, format_interval, format_p
from auditor.results.batch import BatchEntry, BatchResult
from auditor.results.correction import NAMES
from auditor.results.gate import FAILS

ABSENT = "none"
"""What stands where an audit has no such figure."""

NOT_MEANT = (
    "A passed gate says that the audit said nothing that makes it fail. It does not say that the model was not trained "
    "on the documents."
)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audit, written down.

    Attributes:
        verdict: One of three words; empty where the audit broke.
        state: Letter and name of the last checkpoint's state; empty of a `check`.
        fails_on: What makes the gate fail, where that is not what is usual for what is expected.
        because: The sentence of the verdict with what would mend it, or why the audit broke.
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


def row(outcome: BatchEntry) -> AuditRow:
    """Write an audit down."""
    found, gate = outcome.finding, outcome.gate
    looks = outcome.multiplicity
    alpha = None if found is None else found.alpha
    return AuditRow(
        name=outcome.name,
        status=outcome.status,
        verdict="" if found is None else found.verdict.outcome,
        state="" if found is None or found.state is None else f"{found.state} {found.state_name}",
        expected=expected(gate),
        fails_on="" if set(gate.fail_on) == set(FAILS[gate.expect]) else red_on(gate),
        auc=ABSENT if found is None else format_auc(found.auc),
        interval="" if found is None else format_interval(found.auc_interval),
        p=ABSENT if looks is None else format_p(looks.p_value, alpha),
        p_adjusted=ABSENT if looks is None else format_p(looks.p_adjusted, alpha),
        groups=ABSENT if found is None else f"{found.groups_suspect:,} and {found.groups_heldout:,}",
        reason=in_a_row(outcome.error)
        if found is None
        else f"{found.verdict.sentence} {found.verdict.remediation}".strip(),
        about=f"{outcome.kind}: {outcome.suspect} against {outcome.heldout} on {outcome.model}",
    )


def status(batch: BatchResult) -> Status:
    """What the whole batch came to."""
    statuses = {outcome.status for outcome in batch.audits}
    return "broken" if "broken" in statuses else "failed" if "failed" in statuses else "passed"


def counts(batch: BatchResult) -> dict[Status, int]:
    """How many audits passed, failed and broke."""
    found = Counter(outcome.status for outcome in batch.audits)
    return {"passed": found["passed"], "failed": found["failed"], "broken": found["broken"]}


def verdicts(batch: BatchResult) -> str:
    """How many audits gave each verdict, those that gave one."""
    found = Counter(outcome.finding.verdict.outcome for outcome in batch.audits if outcome.finding is not None)
    told = (f"{count:,} {word}" for word in ("EVIDENCE", "INCONCLUSIVE", "NO EVIDENCE") if (count := found[word]))
    return ", ".join(told) or "no verdict"


def headline(batch: BatchResult) -> str:
    """The whole batch in one sentence."""
    found, whole = counts(batch), amount(len(batch.audits), "audit")
    told = [f"{found['broken']:,} broke"] if found["broken"] else []
    told += [f"{found['failed']:,} failed"] if found["failed"] else []
    said = f"Of {whole} {' and '.join(told)}" if told else f"No gate failed in {whole}"
    return f"{said}. Verdicts: {verdicts(batch)}."


def correction(batch: BatchResult) -> str:
    """How the p-values were corrected, over how many, and what that is worth."""
    name, promise = NAMES[batch.correction], PROMISES[batch.correction]
    looks = next((outcome.multiplicity for outcome in batch.audits if outcome.multiplicity is not None), None)
    if looks is None:
        return f"No p-value entered the correction ({name})."
    return (
        f"p-values are corrected after {name} over {looks.over}: {promise}. What is significant before the correction "
        f"and not after it is INCONCLUSIVE. {REFUSED}"
    )
