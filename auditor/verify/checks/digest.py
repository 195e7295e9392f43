"""No field may have changed since the result was sealed."""

from __future__ import annotations

from auditor.results.digest import seal_of
from auditor.verify.check import Answer, check
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="seal", order=20)
def seal(subject: Subject) -> Answer:
    """Make the seal again."""
    stored, again = subject.result.seal, seal_of(subject.result)
    if stored == again:
        return Answer("passed", f"{again[:16]} over every field")
    said = "a field was changed after the result was sealed" if stored else "the result bears none"
    return Answer("failed", said, (Difference("seal", stored, again),))
