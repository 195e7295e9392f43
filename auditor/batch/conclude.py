"""What a single audit of a batch came to: an outcome from its result, or from what broke it."""

from __future__ import annotations

import re

from auditor.batch.config.model import AuditModel, fields_by_key
from auditor.batch.folder import REPORT, RESULT
from auditor.batch.kinds import Result, entry_of
from auditor.batch.plan import PlannedAudit
from auditor.core.errors import AuditorError, reason_of
from auditor.core.text import visible
from auditor.results.batch import BatchEntry, PlanTestEntry

_MOST_LINES, _MOST_CHARACTERS = 12, 2000
_FLAG = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)")


def error_text(error: Exception) -> str:
    """Why an audit broke, in a few printable lines; options of a command by the key that they have in a batch."""
    text = _FLAG.sub(_key, str(error))
    if not isinstance(error, AuditorError):
        text = (
            f"{reason_of(error, typed=True)}\nThis is a defect of auditor or of a library under it; run "
            "the audit by itself with AUDITOR_DEBUG=1 to see where, and please report it."
        )
    lines = [visible(line) for line in text.splitlines()[:_MOST_LINES]]
    return "\n".join(lines)[:_MOST_CHARACTERS] or type(error).__name__


def _key(flag: re.Match[str]) -> str:
    """A flag as the key of a configuration, `--dtype` as `dtype:`; a repeatable one has a list there."""
    return next((f"{key}:" for key in (flag[1], f"{flag[1]}s") if key in fields_by_key(AuditModel)), flag[0])


def outcome_of(
    planned: PlannedAudit, result: Result | None, *, result_sha256: str = "", error: str = ""
) -> BatchEntry | PlanTestEntry:
    """What an audit of a batch came to.

    Args:
        planned: The audit.
        result: What it found, corrected for the others; None where it broke.
        result_sha256: Digest of its file.
        error: Why it broke.
    """
    return entry_of(
        planned.settings,
        result,
        name=planned.name,
        folder=planned.folder,
        gate=planned.gate,
        written={
            "report": f"{planned.folder}/{REPORT}",
            "result": f"{planned.folder}/{RESULT}",
            "result_sha256": result_sha256,
        },
        error=error,
    )
