"""No field may have changed since the result was sealed."""

from __future__ import annotations

from auditor.results.digest import content_digest
from auditor.verify.check import CheckAnswer, check
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="content_sha256", order=20)
def seal(subject: Subject) -> CheckAnswer:
    """Make the seal again."""
    stored, again = subject.result.content_sha256, content_digest(subject.result)
    if stored == again:
        return CheckAnswer("passed", f"{again[:16]} over every field")
    said = "a field was changed after the result was with_content_digest" if stored else "the result bears none"
    return CheckAnswer("failed", said, (Difference("content_sha256", stored, again),))
