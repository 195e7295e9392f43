"""What a batch came to: the one object from which screen, JSON, JUnit, Markdown, page and exit code are made."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import ModelWrapValidatorHandler, computed_field, model_validator

from auditor.core.record import Record
from auditor.results.correction import Correction
from auditor.results.gate import Gate
from auditor.results.result import Looks
from auditor.results.summary import Summary

BATCH_SCHEMA_VERSION: Literal["1.0"] = "1.0"

EXIT_BROKEN = 4


class _Answering(Record):
    """A record that is written with the answers that follow from it; one read with another answer is refused."""

    @model_validator(mode="wrap")
    @classmethod
    def _follows(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        answers = {}
        if isinstance(given, dict):
            answers = {name: given[name] for name in cls.model_computed_fields if name in given}
            given = {name: value for name, value in given.items() if name not in answers}
        made = read(given)
        for name, told in answers.items():
            if told != getattr(made, name):
                raise ValueError(f"{name} is {told!r}, but {getattr(made, name)!r} follows from the rest")
        return made


class Finding(Summary):
    """What a finished audit said, and where to read it.

    Attributes:
        report: Path of the report, relative to the folder of the batch.
        result: Path of the result, relative to the folder of the batch.
        result_sha256: Digest of that file.
    """

    report: str
    result: str
    result_sha256: str


class Outcome(_Answering):
    """One audit of a batch.

    Attributes:
        name: As the configuration calls it.
        folder: Folder of its report and result, relative to that of the batch.
        kind: `check` or `forget`.
        suspect: As the configuration has it.
        heldout: As the configuration has it.
        model: The model, or the last checkpoint.
        gate: What makes CI red.
        finding: What it said; None where it broke.
        error: Why it broke, in words; empty where it did not.
    """

    name: str
    folder: str
    kind: Literal["check", "forget"]
    suspect: str
    heldout: str
    model: str
    gate: Gate
    finding: Finding | None
    error: str = ""

    @property
    def looks(self) -> Looks | None:
        """The correction of its p-value; None where it broke or none of its p-values was corrected."""
        return None if self.finding is None else self.finding.looks

    @computed_field  # type: ignore[prop-decorator]
    @property
    def status(self) -> Literal["passed", "failed", "broken"]:
        """Whether its gate is passed; an audit that broke has no say."""
        if self.finding is None:
            return "broken"
        return "passed" if self.finding.judgement.passed else "failed"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exit_code(self) -> int:
        """Its own exit code."""
        return EXIT_BROKEN if self.finding is None else self.finding.judgement.exit_code


_WORST = (0, 3, 1, EXIT_BROKEN)


class BatchResult(_Answering):
    """A whole batch.

    Attributes:
        name: How the batch is called.
        created: When it ended (UTC, ISO 8601).
        auditor_version: What made it.
        correction: How p-values were corrected over the batch.
        configuration: Path of the configuration file, as given.
        configuration_sha256: Digest of its bytes.
        audits: In the order of the configuration.
    """

    schema_version: Literal["1.0"] = BATCH_SCHEMA_VERSION
    name: str
    created: str
    auditor_version: str
    correction: Correction
    configuration: str
    configuration_sha256: str
    audits: tuple[Outcome, ...]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exit_code(self) -> int:
        """That of the worst audit: one that broke, then red for evidence or a state, then inconclusive."""
        return max((outcome.exit_code for outcome in self.audits), key=_WORST.index, default=0)

    @property
    def worst_first(self) -> tuple[Outcome, ...]:
        """The audits from the worst to the best: by exit code, then by corrected p-value, then in their order."""

        def badness(outcome: Outcome) -> tuple[int, float]:
            return -_WORST.index(outcome.exit_code), 1.0 if outcome.looks is None else outcome.looks.p_adjusted

        return tuple(sorted(self.audits, key=badness))
