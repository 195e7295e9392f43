"""What a recorded command comes to, as a check needs it. Its parsers lie above: whoever verifies hands them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditor.dealt.settings import PlanTestSettings
from auditor.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class BatchCommand:
    """A command that runs a batch.

    Attributes:
        configuration: Path of its configuration, as given.
        require_control: Whether it requires a control of every audit, whatever the configuration says.
    """

    configuration: str
    require_control: bool = False


@dataclass(frozen=True, slots=True)
class CommandReader:
    """The parsers of commands and configurations.

    Attributes:
        read: The settings that a command gives, or the batch that it runs.
        read_batch: The settings of the audit of a name in a configuration, where a control may be required of all, and
            the digest of that file.
        configuration: The configuration of the batch; None where it is not given.
    """

    read: Callable[[str], AuditSettings | PlanTestSettings | BatchCommand]
    read_batch: Callable[[Path, str, bool], tuple[AuditSettings | PlanTestSettings, str]]
    configuration: Path | None = None
