"""Every figure must follow from what is kept."""

from __future__ import annotations

from auditor.verify.check import CheckAnswer, check, judged
from auditor.verify.subject import Subject


@check(name="figures", order=50)
def figures(subject: Subject) -> CheckAnswer:
    """Conclude again from the kept features, and hold every field of the result against it."""
    return judged(subject.compared, "the kept features")
