"""What a batch came to: the one object from which screen, JSON, JUnit, Markdown, page and exit code are made."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, computed_field, model_validator

from auditor.core.record import Count, Record
from auditor.results.correction import Correction
from auditor.results.gate import Gate
from auditor.results.result import BatchCorrection
from auditor.results.summary import PlanTestSummary, Summary

BATCH_SCHEMA_VERSION: Literal["2.0"] = "2.0"

EXIT_BROKEN = 4


class _Answering(Record):
    """A record that is written with the answers that follow from it; one read with another answer is refused."""

    @model_validator(mode="wrap")
    @classmethod
    def _follows(cls, stored: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        answers = {}
        if isinstance(stored, dict):
            answers = {name: stored[name] for name in cls.model_computed_fields if name in stored}
            stored = {name: value for name, value in stored.items() if name not in answers}
        made = read(stored)
        for name, stated in answers.items():
            follows = getattr(made, name)
            if stated != follows or type(stated) is not type(follows):
                raise ValueError(f"{name} is {stated!r}, but {follows!r} follows from the rest")
        return made


class Written(Record):
    """Where the report and the result of a finished audit lie."""

    report: str
    """Path of the report, relative to the folder of the batch."""

    result: str
    """Path of the result, relative to the folder of the batch."""

    result_sha256: str
    """Digest of that file."""


class AuditOutcome(Written, Summary):
    """Outcome of a finished audit, with the paths of its report and result."""


class PlanTestOutcome(Written, PlanTestSummary):
    """Outcome of a finished test of a plan, with the paths of its report and result."""


class Entry(_Answering):
    """What is the same of every audit of a batch."""

    name: str
    """As the configuration calls it."""

    folder: str
    """Folder of its report and result, relative to that of the batch."""

    model: str
    """The model, or the last checkpoint."""

    gate: Gate
    """The gate: the outcomes that fail."""

    finding: AuditOutcome | PlanTestOutcome | None
    """What it said; None where it broke."""

    error: str = ""
    """Why it broke, in words; empty where it did not."""

    @property
    def multiplicity(self) -> BatchCorrection | None:
        """The correction of its p-value; None where it broke or none of its p-values was corrected."""
        return None if self.finding is None else self.finding.multiplicity

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> Literal["passed", "failed", "broken"]:
        """Whether its gate passed; `broken` for an audit without a result."""
        if self.finding is None:
            return "broken"
        return "passed" if self.finding.gate_outcome.passed else "failed"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exit_code(self) -> int:
        """Its own exit code."""
        return EXIT_BROKEN if self.finding is None else self.finding.gate_outcome.exit_code


class BatchEntry(Entry):
    """One check or forget of a batch."""

    kind: Literal["check", "forget"]
    """`check` or `forget`."""

    suspect: str
    """As the configuration has it."""

    heldout: str
    """As the configuration has it."""

    finding: AuditOutcome | None
    """What it said; None where it broke."""

    @property
    def inputs(self) -> dict[str, str]:
        """What is audited, by name."""
        return {"kind": self.kind, "suspect": self.suspect, "heldout": self.heldout, "model": self.model}

    @property
    def about(self) -> str:
        """What is audited, in words."""
        return f"{self.kind}: {self.suspect} against {self.heldout} on {self.model}"


class PlanTestEntry(Entry):
    """One test of a plan of a batch."""

    kind: Literal["test"] = "test"
    plan: str
    """Folder of the plan, as the configuration has it."""

    batch: Count
    """Batch of the plan that is opened."""

    finding: PlanTestOutcome | None
    """What it said; None where it broke."""

    @property
    def inputs(self) -> dict[str, str]:
        """What is tested, by name."""
        return {"kind": self.kind, "plan": self.plan, "batch": str(self.batch), "model": self.model}

    @property
    def about(self) -> str:
        """What is tested, in words."""
        return f"{self.kind}: batch {self.batch} of {self.plan} on {self.model}"


AnyEntry = Annotated[BatchEntry | PlanTestEntry, Field(discriminator="kind")]

_WORST = (0, 3, 1, EXIT_BROKEN)


class BatchResult(_Answering):
    """A whole batch."""

    schema_version: Literal["2.0"] = BATCH_SCHEMA_VERSION
    name: str
    """How the batch is called."""

    created: str
    """When it ended (UTC, ISO 8601)."""

    auditor_version: str
    """What made it."""

    correction: Correction
    """How p-values were corrected over the batch."""

    configuration: str
    """Path of the configuration file, as given."""

    configuration_sha256: str
    """Digest of its bytes."""

    audits: tuple[AnyEntry, ...]
    """In the order of the configuration."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exit_code(self) -> int:
        """That of the worst audit: one that broke, then red for evidence or a state, then inconclusive."""
        return max((outcome.exit_code for outcome in self.audits), key=_WORST.index, default=0)

    @property
    def worst_first(self) -> tuple[BatchEntry | PlanTestEntry, ...]:
        """The audits from the worst to the best: by exit code, then by corrected p-value, then in their order."""

        def badness(outcome: Entry) -> tuple[int, float]:
            return -_WORST.index(
                outcome.exit_code
            ), 1.0 if outcome.multiplicity is None else outcome.multiplicity.p_adjusted

        return tuple(sorted(self.audits, key=badness))
