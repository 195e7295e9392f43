"""What an audit is asked to do, validated before anything is read or scored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypedDict, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from auditor.core.device import require_device_name
from auditor.core.errors import UsageError
from auditor.core.hints import did_you_mean
from auditor.core.record import Record
from auditor.results.forgetting.interventions import INTERVENTIONS
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.gate import Gate
from auditor.results.policy import Policy, SharedOver, permutation_levels

R = TypeVar("R", bound=Record)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep in tuples."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)


class _Settings(Record):
    """What a user gave, with text that can be written down."""

    @field_validator("*")
    @classmethod
    def _writable(cls, value: Any) -> Any:
        if any("\ud800" <= letter <= "\udfff" for text in _texts(value) for letter in text):
            raise ValueError("it holds bytes that are not UTF-8")
        return value


@dataclass(frozen=True, slots=True)
class Source:
    """Marks the text of a setting as the name of something that is read.

    Attributes:
        of: Documents or a model.
    """

    of: Literal["documents", "model"]


Documents = Annotated[str, Source("documents")]
Model = Annotated[str, Source("model")]


class SeriesSettings(_Settings):
    """What is asked about forgetting."""

    checkpoints: tuple[tuple[str, Model], ...]
    """Name and source of each, the origin first."""

    general: Documents | None = None
    """Documents on neither side, for drift, for utility loss and for the reminder."""

    placebo: Documents | None = None
    """A second held-out set, measured as if it were the suspect one."""

    relearn: bool = False
    """Whether short trainings may be run to tell suppressed from gone."""

    layers: bool = True
    """Whether hidden states are kept, to see where the trace sits."""

    tasks: tuple[tuple[str, Documents], ...] = ()
    """Name and source of each labelled set, in the order in which they were learned."""

    label_column: str = "label"
    """Column that holds the label."""

    label_template: str = "{text}\n{label}"
    """How a text and a label are joined for the observed accuracy; ends with the label."""

    policy: ForgettingPolicy = ForgettingPolicy()
    """The thresholds of the states."""

    @field_validator("checkpoints")
    @classmethod
    def _a_series(cls, value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        if len(value) < 2:
            raise ValueError("a series needs at least two checkpoints: the origin and a later one")
        return _distinct(value, "checkpoint")

    @field_validator("tasks")
    @classmethod
    def _tasks(cls, value: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        return _distinct(value, "task")

    @field_validator("label_template")
    @classmethod
    def _template(cls, value: str) -> str:
        if value.count("{text}") != 1 or value.count("{label}") != 1 or not value.endswith("{label}"):
            raise ValueError("the template must hold {text} once and end with {label}")
        return value


def _distinct(value: tuple[tuple[str, str], ...], what: str) -> tuple[tuple[str, str], ...]:
    names = [name for name, _ in value]
    for name, source in value:
        if not name.strip() or not source.strip():
            raise ValueError(f"every {what} needs a name and a source")
        if names.count(name) > 1:
            raise ValueError(f"two {what}s are called {name!r}")
    return value


class AuditSettings(_Settings):
    """Everything that decides the figures of an audit, and nothing that does not."""

    kind: Literal["check", "forget"] = "check"
    """`check` asks about a model, `forget` about a series whose last checkpoint is that model."""

    suspect: Documents
    """Folder, file or `hf:NAME` of the documents in question."""

    heldout: Documents
    """The same for documents the model cannot have been trained on."""

    model: Model
    """Path or name of the model, adapter folder or GGUF file."""

    references: tuple[Model, ...] = ()
    """Models that cannot have seen the suspect documents."""

    text_column: str = "text"
    """Column that holds the text, in tabular data."""

    group_column: str | None = None
    """Column that names the group a document came from."""

    group_by: Literal["document", "parent"] = "document"
    """`document`, or `parent` for the folder a file lies in."""

    limit: int | None = Field(default=None, ge=1)
    """Read at most this many documents a side."""

    features: str = "default"
    """A selection name or comma-separated features."""

    procedures: tuple[str, ...] = ()
    """Published procedures to run beside ours."""

    device: str = "auto"
    """`auto`, `cpu`, `cuda`, `cuda:1`, `mps`."""

    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """`auto` is float32 on a CPU and the stored type on a GPU."""

    revision: str | None = None
    """Revision of a hub model."""

    context: int = Field(default=2048, ge=16)
    """Longest window in tokens; a longer document is scored in several."""

    max_tokens: int | None = Field(default=None, ge=16)
    """Score at most this many tokens a document."""

    permutations: int = Field(default=9999, ge=99)
    """Label permutations of the membership test."""

    seed: int = Field(default=0, ge=0)
    """The one seed."""

    reveal: bool = False
    """Keep excerpts of the documents in the result."""

    series: SeriesSettings | None = None
    """What is asked about forgetting; None where nothing is."""

    policy: Policy = Policy()
    """The thresholds."""

    @property
    def deciding_series(self) -> SeriesSettings | None:
        """The series whose last checkpoint is the audited model and whose state is the verdict; None of a `check`."""
        return self.series if self.kind == "forget" else None

    @field_validator("device")
    @classmethod
    def _a_device(cls, value: str) -> str:
        try:
            require_device_name(value)
        except UsageError as error:
            raise ValueError(f"{error.message}; {error.hint[:1].lower()}{error.hint[1:].rstrip('.')}") from None
        return value

    @model_validator(mode="after")
    def _permutations_reach_every_level(self) -> Self:
        n_checkpoints = 1 if self.series is None else len(self.series.checkpoints)
        # Number of tests that share a level; a level of 0 tests is not tested.
        n_tests = {
            SharedOver.AUDIT: 1,
            SharedOver.REFERENCE: max(1, len(self.references)),
            SharedOver.CHECKPOINT: n_checkpoints,
            SharedOver.PLACEBO: n_checkpoints if self.series and self.series.placebo is not None else 0,
            SharedOver.INTERVENTION: len(INTERVENTIONS) * n_checkpoints if self.series and self.series.relearn else 0,
        }
        policies = [self.policy] if self.series is None else [self.policy, self.series.policy]
        levels = [level for policy in policies for level in permutation_levels(policy)]
        strictest = min(level / n_tests[unit] for level, unit in levels if n_tests[unit])
        shortage = _shortage(self.permutations, strictest)
        if shortage:
            raise ValueError(shortage)
        return self


def n_tests_of(settings: AuditSettings) -> int:
    """For how many tests, at most, an audit corrects the p-values of its own verdict by itself."""
    series = settings.deciding_series
    return 1 if series is None else len(series.checkpoints) * (len(INTERVENTIONS) if series.relearn else 1)


class CommonArguments(TypedDict, total=False):
    """The settings that every audit has beside its own arguments, for type checkers; see `AuditSettings`."""

    text_column: str
    group_column: str | None
    group_by: Literal["document", "parent"]
    limit: int | None
    device: str
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    revision: str | None
    context: int
    max_tokens: int | None
    permutations: int
    seed: int
    reveal: bool
    policy: Policy


class CheckArguments(CommonArguments, total=False):
    """The settings of `auditor.check` beside its own arguments."""

    features: str
    procedures: tuple[str, ...]


def _shortage(permutations: int, level: float) -> str:
    """What is wrong with too few permutations for a level; empty where they suffice."""
    if level * (permutations + 1) >= 1:
        return ""
    least = math.ceil(1 / level) - 1
    return f"{permutations} permutations cannot give a p-value as small as the level {level:g}; use at least {least}"


def require_permutations(permutations: int, level: float) -> None:
    """Refuse a test that could never reject.

    Raises:
        UsageError: The smallest p-value that so many permutations can give is above the level.
    """
    shortage = _shortage(permutations, level)
    if shortage:
        raise UsageError(shortage, hint="Raise --permutations.")


class SettingError(UsageError):
    """A setting is unknown, of the wrong type, out of range or at odds with another.

    Attributes:
        where: Path of the setting; empty where it is about several.
        said: What is wrong, without the name of the setting.
    """

    def __init__(self, where: tuple[int | str, ...], said: str, *, hint: str = "") -> None:
        name = ".".join(map(str, where))
        super().__init__(f"setting {name!r}: {said}" if name else said, hint=hint)
        self.where = where
        self.said = said


def wrong_settings(kind: type[Record], given: dict[str, Any]) -> list[SettingError]:
    """What is wrong with single settings, whatever is missing beside them or at odds with another."""
    try:
        kind(**given)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        return [_refused(kind, problem) for problem in problems if problem["loc"] and problem["type"] != "missing"]
    return []


def make_settings(**given: Any) -> AuditSettings:
    """Validate settings.

    Raises:
        UsageError: One is unknown, of the wrong type, out of range or at odds with another; the message names it.
    """
    return _validated(AuditSettings, given)


CHECK_ONLY = ("kind", "model", "features", "references", "procedures")
"""What is not for a `forget`."""


def make_series_settings(*, series: Any, **given: Any) -> AuditSettings:
    """The settings of a `forget`: the audited model is the last checkpoint, read in one pass.

    Raises:
        UsageError: As `make_settings`.
    """
    asked = _validated(SeriesSettings, dict(series))
    for name in CHECK_ONLY:
        if name in given:
            raise UsageError(
                f"{name} is not for a series", hint="Its models are its checkpoints, its features of one pass."
            )
    return make_settings(kind="forget", model=asked.checkpoints[-1][1], features="single-pass", series=asked, **given)


def inputs_of(settings: AuditSettings) -> list[str]:
    """Everything an audit reads, so that no output overwrites it."""
    series = settings.series
    read = [settings.suspect, settings.heldout, settings.model, *settings.references]
    if series is not None:
        read += [source for _, source in (*series.checkpoints, *series.tasks)]
        read += [source for source in (series.general, series.placebo) if source is not None]
    return read


def make_options(**given: Any) -> RunOptions:
    """Validate how an audit is run; errors as `make_settings`."""
    return _validated(RunOptions, given)


def _validated(kind: type[R], given: dict[str, Any]) -> R:
    try:
        return kind(**given)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _refused(kind, problem) from None


def _refused(kind: type[Record], problem: ErrorDetails) -> SettingError:
    name = ".".join(map(str, problem["loc"]))
    hint = did_you_mean(name, kind.model_fields) if problem["type"] == "extra_forbidden" else ""
    return SettingError(problem["loc"], problem["msg"].removeprefix("Value error, "), hint=hint)


class RunOptions(_Settings):
    """How an audit is run; none of it changes a figure."""

    name: str = ""
    """How the audit is called in its report."""

    command: str = ""
    """The command line that reproduces the audit."""

    cache_dir: str | None = None
    """Where scores are kept; the platform's cache folder by default."""

    gate: Gate = Gate()
    """What makes CI red."""
