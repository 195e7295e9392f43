"""The recorded command must give the recorded configuration."""

from __future__ import annotations

from auditor.dealt.settings import PlanTestSettings
from auditor.settings import AuditSettings
from auditor.verify.check import CheckAnswer, check, reading
from auditor.verify.command import BatchCommand, CommandReader
from auditor.verify.dealt.subject import DealtSubject
from auditor.verify.differences import Difference, compare
from auditor.verify.open import read_batch_result
from auditor.verify.subject import Subject


@check(name="command", order=35)
def command(subject: Subject) -> CheckAnswer | None:
    """Read the command with the parsers that would run it, and compare all settings."""
    reader = subject.reader
    if reader is None:
        return None
    recorded = reader.read(subject.result.manifest.command)
    return compare_settings(subject, reader, recorded)


def compare_settings(
    subject: Subject | DealtSubject, reader: CommandReader, recorded: AuditSettings | PlanTestSettings | BatchCommand
) -> CheckAnswer:
    """Compare the settings that a command gives, or the configuration of the batch that it runs, with the recorded."""
    if isinstance(recorded, BatchCommand):
        return _batch(subject, reader, recorded)
    return _compared(subject, recorded, "it")


def _batch(subject: Subject | DealtSubject, reader: CommandReader, recorded: BatchCommand) -> CheckAnswer:
    if subject.result.multiplicity is None:
        wrong = Difference("manifest.command", subject.result.manifest.command, "the command of one audit")
        return CheckAnswer("failed", "it runs a batch, and the result is corrected for none", (wrong,))
    if reader.configuration is None:
        return CheckAnswer(
            "not asked", "it runs a batch: give --config PATH, its configuration, to compare the settings"
        )
    with reading():
        settings, sha256 = reader.read_batch(reader.configuration, subject.result.name, recorded.require_control)
    if subject.batch is not None:
        stored = read_batch_result(subject.batch).configuration_sha256
        if stored != sha256:
            wrong = Difference("configuration_sha256", stored, sha256)
            return CheckAnswer("failed", f"{subject.batch} is not of this configuration", (wrong,))
    return _compared(subject, settings, "the configuration of the batch")


def _compared(subject: Subject | DealtSubject, settings: AuditSettings | PlanTestSettings, what: str) -> CheckAnswer:
    trees = (subject.result.manifest.configuration, settings.model_dump(mode="json"))
    comparison = compare(*trees, at="manifest.configuration")
    if comparison.differences:
        return CheckAnswer("failed", f"{what} gives other settings", comparison.differences)
    return CheckAnswer("passed", f"{what} gives all {comparison.leaves:,} settings")
