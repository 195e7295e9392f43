"""The seal of a result: a digest of everything in it, so that no field changes unnoticed by accident."""

from __future__ import annotations

from auditor.core.digests import canonical_sha256
from auditor.results.result import AuditResult


def content_digest(result: AuditResult) -> str:
    """Hex digest of every field but the seal itself, whatever the layout of the file."""
    return canonical_sha256(result.model_dump(mode="json", exclude={"content_sha256"}))


def with_content_digest(result: AuditResult) -> AuditResult:
    """The same result with the seal that belongs to it; to be asked for after every change.

    A seal stops accidents and clumsy edits. Whoever edits a result on purpose makes a new seal too: edited figures are
    found as they are made again from what is kept (`auditor verify`), invented features by scoring again alone.
    """
    return result.model_copy(update={"content_sha256": content_digest(result)})
