"""What a batch will do: the configuration, read and checked, as settings of audits."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.dealt.settings import PlanTestSettings
from auditor.results.correction import Correction
from auditor.results.gate import Gate
from auditor.settings import AuditSettings


@dataclass(frozen=True, slots=True)
class PlannedAudit:
    """One audit to be run.

    Attributes:
        name: As the configuration calls it; no two are alike.
        folder: Folder for its report and result, relative to that of the batch; no two are alike, also where a file
            system does not tell capitals.
        settings: What is asked; paths are relative to the current directory.
        gate: The gate: the outcomes that fail.
    """

    name: str
    folder: str
    settings: AuditSettings | PlanTestSettings
    gate: Gate


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch to be run.

    Attributes:
        name: How it is called.
        correction: How p-values are corrected over the batch.
        configuration: Path of the configuration file, as given.
        configuration_sha256: Digest of its bytes.
        audits: In the order of the file.
    """

    name: str
    correction: Correction
    configuration: str
    configuration_sha256: str
    audits: tuple[PlannedAudit, ...]
