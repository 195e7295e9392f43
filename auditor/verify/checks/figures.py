"""Every figure must follow from the measurements."""

from __future__ import annotations

from auditor.verify.check import CheckAnswer, answer_of, check
from auditor.verify.subject import Subject


@check(name="figures", order=50)
def figures(subject: Subject) -> CheckAnswer:
    """Conclude again from the measurements, and compare every field of the result."""
    return answer_of(subject.comparison, "the stored measurements")
