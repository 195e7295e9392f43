"""No field may have changed since the content digest was taken."""

from __future__ import annotations

from auditor.results.io import content_digest
from auditor.verify.check import CheckAnswer, check
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="digest", order=20)
def digest(subject: Subject) -> CheckAnswer:
    """Compute the content digest again."""
    stored, again = subject.result.content_sha256, content_digest(subject.result)
    if stored == again:
        return CheckAnswer("passed", f"{again[:16]} over every field")
    detail = "a field was changed after the result was written" if stored else "the result has no content digest"
    return CheckAnswer("failed", detail, (Difference("content_sha256", stored, again),))
