"""The configuration must have the stored digest."""

from __future__ import annotations

from auditor.core.digests import canonical_sha256
from auditor.verify.check import CheckAnswer, check
from auditor.verify.differences import Difference
from auditor.verify.subject import Subject


@check(name="configuration", order=30)
def configuration(subject: Subject) -> CheckAnswer:
    """Compute the digest again."""
    manifest = subject.result.manifest
    again = canonical_sha256(manifest.configuration)
    if again == manifest.configuration_sha256:
        return CheckAnswer("passed", f"{again[:16]} over every setting and threshold")
    return CheckAnswer(
        "failed",
        "a setting was changed",
        (Difference("manifest.configuration_sha256", manifest.configuration_sha256, again),),
    )
