"""The verdict must follow from the stored figures and thresholds."""

from __future__ import annotations

from auditor.audit.conclude import conclude_verdict, control_labels
from auditor.verify.check import CheckAnswer, check
from auditor.verify.differences import compare
from auditor.verify.subject import Subject


@check(name="verdict", order=60)
def verdict(subject: Subject) -> CheckAnswer:
    """Decide again from the stored figures, guards and thresholds; no figure is recomputed for it."""
    result = subject.result
    again = conclude_verdict(
        subject.inputs,
        result.membership,
        result.guards,
        result.thresholds,
        result.forgetting,
        controlled=bool(control_labels(subject.inputs.measurements, result.thresholds)),
    )
    comparison = compare(result.verdict.model_dump(mode="json"), again.model_dump(mode="json"), at="verdict")
    if comparison.differences:
        return CheckAnswer(
            "failed", "it does not follow from the stored figures and thresholds", comparison.differences
        )
    return CheckAnswer(
        "passed", f"{result.verdict.headline} ({result.verdict.reason}) follows from figures and thresholds"
    )
