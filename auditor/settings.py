"""The settings of an audit, validated before anything is read or scored.

Each field is also an option of the command line, a variable of the environment, a key of a batch configuration and a
row of the reference: all of them are derived from its name, type, limits, default and docstring.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from auditor.core.device import require_device_name
from auditor.core.errors import UsageError
from auditor.core.record import Record, Usage, usage_of
from auditor.core.text import did_you_mean
from auditor.results.forgetting.interventions import INTERVENTIONS
from auditor.results.forgetting.policy import ForgettingPolicy, n_detection_tests
from auditor.results.gate import Gate
from auditor.results.policy import Policy, SharedOver, permutation_levels

R = TypeVar("R", bound=Record)

_TABLES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".zip")


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value, however deep in tuples."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part)


class CheckedSettings(Record):
    """Settings as a user gives them; every text in them can be written as UTF-8."""

    @field_validator("*")
    @classmethod
    def _writable(cls, value: Any) -> Any:
        if any("\ud800" <= letter <= "\udfff" for text in _texts(value) for letter in text):
            raise ValueError("it holds bytes that are not UTF-8")
        return value


def device_name(value: str) -> str:
    """A checked name of a device, for validators of settings.

    Raises:
        ValueError: It is none.
    """
    try:
        require_device_name(value)
    except UsageError as error:
        raise ValueError(f"{error.message}; {error.hint[:1].lower()}{error.hint[1:].rstrip('.')}") from None
    return value


@dataclass(frozen=True, slots=True)
class Source:
    """Marks a setting whose text names an input.

    Attributes:
        of: The kind of input.
    """

    of: Literal["documents", "model", "file", "folder"]


NO_TEMPLATE = "none"
"""The value of `chat_template` that joins pairs although the tokenizer has a template."""

Documents = Annotated[str, Source("documents")]
Model = Annotated[str, Source("model")]


class SeriesSettings(CheckedSettings):
    """The settings of a series of checkpoints."""

    checkpoints: tuple[tuple[str, Model], ...]
    """Name and model of each checkpoint, the origin first; at least two."""

    general: Documents | None = None
    """Documents in neither set: measure drift and loss of utility, and serve as the reminder of `relearn`."""

    placebo: Documents | None = None
    """A second held-out set, measured as if it were the suspect set."""

    relearn: bool = False
    """Run short trainings in memory to tell suppressed from no trace found; their weights are never written."""

    layers: bool = True
    """Record hidden states, to show which layers carry the effect."""

    tasks: tuple[tuple[str, Documents], ...] = ()
    """Name and source of each labelled set, in the order in which the tasks were learned."""

    label_column: str = "label"
    """Column of a labelled set that holds the label."""

    label_template: Annotated[str, Usage(escapes=True)] = "{text}\n{label}"
    """How a text and a label are joined to ask the model for the label; it ends with the label."""

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


class AuditSettings(CheckedSettings):
    """Everything that decides the figures of an audit, and nothing that does not."""

    kind: Annotated[Literal["check", "forget"], Usage(check_only=True, flag=False)] = "check"
    """`check` audits a model, `forget` a series whose last checkpoint is that model."""

    suspect: Annotated[Documents, Usage(positional=True)]
    """Folder, file or `hf:NAME[:SPLIT]` of the documents in question."""

    heldout: Annotated[Documents, Usage(positional=True)]
    """The same for comparable documents that the model cannot have been trained on."""

    model: Annotated[Model, Usage(check_only=True, short="-m")]
    """Model folder or name, PEFT adapter folder, or GGUF file."""

    references: Annotated[tuple[Model, ...], Usage(check_only=True)] = ()
    """Models that cannot have seen the suspect documents: negative controls, and the baseline of reference features."""

    text_column: str = "text"
    """Column that holds the text, a conversation, or PROMPT,ANSWER; conversations are recognised without it."""

    chat_template: Annotated[str | None, Source("file")] = None
    """Jinja file that renders conversations and pairs as text, in place of the tokenizer's own; `none` joins pairs."""

    score: Literal["assistant", "all"] = "assistant"
    """Of conversations and pairs, score the answers or everything that is rendered."""

    group_column: str | None = None
    """Column that names what a document came from (book, author, site)."""

    group_by: Literal["document", "parent"] = "document"
    """Group files by themselves or by the folder they lie in."""

    limit: int | None = Field(default=None, ge=1)
    """Read at most this many documents of each set; labelled sets are read whole."""

    suffix: tuple[str, ...] = ()
    """Suffix of the text files of folders, archives and patterns, such as .py, in place of .txt and .md."""

    normalise: bool = False
    """Read every text in one form: NFC, line feeds, ordinary spaces, without invisible characters."""

    features: Annotated[str, Usage(check_only=True)] = "default"
    """A selection, or features separated by commas."""

    procedures: Annotated[tuple[str, ...], Usage(check_only=True)] = ()
    """Published procedures to run for comparison, such as llm-di."""

    device: Annotated[str, Usage(everywhere=True)] = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""

    dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16"], Usage(everywhere=True)] = "auto"
    """auto is float32 on a CPU and the stored type on a GPU."""

    revision: str | None = None
    """Revision of a model named on a hub."""

    base: Model | None = None
    """Base of the audited adapter, and of checkpoints that are adapters, in place of the one they name; references keep
    theirs."""

    tokenizer: Model | None = None
    """Folder of the tokenizer of the audited model and of checkpoints, in place of their own; references keep theirs,
    and the base of an adapter its own where it has one."""

    context: Annotated[int, Usage(everywhere=True)] = Field(default=2048, ge=16)
    """Longest window in tokens; a longer document is scored in several windows."""

    max_tokens: Annotated[int | None, Usage(everywhere=True)] = Field(default=None, ge=16)
    """Score at most this many tokens of a document."""

    permutations: int = Field(default=9999, ge=99)
    """Label permutations of the membership test."""

    seed: int = Field(default=0, ge=0)
    """The one seed of the audit."""

    require_control: bool = False
    """Let nothing be EVIDENCE without a control: a reference or base model in a check, a placebo set or a clean
    origin in a forget."""

    reveal: bool = False
    """Show excerpts of documents; without it they appear by id and digest only."""

    series: SeriesSettings | None = None
    """The series of checkpoints; None where there is none."""

    policy: Policy = Policy()
    """The thresholds."""

    @property
    def deciding_series(self) -> SeriesSettings | None:
        """The series whose last checkpoint is the audited model and whose state is the verdict; None of a `check`."""
        return self.series if self.kind == "forget" else None

    @field_validator("suffix")
    @classmethod
    def _suffixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        suffixes = tuple(dict.fromkeys(suffix.lower() for suffix in value))
        for suffix in suffixes:
            if not re.fullmatch(r"(\.[^.\s/\\]+)+", suffix):
                raise ValueError(f"{suffix!r} is no suffix; write it with its dot, as in .py")
            if suffix.endswith((".gz", *_TABLES)):
                raise ValueError(f"{suffix} is no suffix of text files; files of that kind are read without it")
        return suffixes

    @field_validator("device")
    @classmethod
    def _a_device(cls, value: str) -> str:
        return device_name(value)

    @model_validator(mode="after")
    def _permutations_reach_every_level(self) -> Self:
        series = self.series
        n_checkpoints = 1 if series is None else len(series.checkpoints)
        # Number of tests that share a level; a level of 0 tests is not tested.
        n_tests = {
            SharedOver.AUDIT: 1,
            SharedOver.REFERENCE: max(1, len(self.references)),
            SharedOver.CHECKPOINT: n_detection_tests(n_checkpoints),
            SharedOver.PLACEBO: n_detection_tests(n_checkpoints)
            if self.series and self.series.placebo is not None
            else 0,
            SharedOver.INTERVENTION: len(INTERVENTIONS) * n_checkpoints if series and series.relearn else 0,
        }
        policies = [self.policy] if series is None else [self.policy, series.policy]
        levels = [level for policy in policies for level in permutation_levels(policy)]
        strictest = min(level / n_tests[unit] for level, unit in levels if n_tests[unit])
        shortage = _shortage(self.permutations, strictest)
        if shortage:
            raise ValueError(shortage)
        return self


def n_tests_of(settings: AuditSettings) -> int:
    """The most tests over which an audit corrects the p-value of its own verdict."""
    series = settings.deciding_series
    if series is None:
        return 1
    n_checkpoints = len(series.checkpoints)
    return max(n_detection_tests(n_checkpoints), n_checkpoints * len(INTERVENTIONS) if series.relearn else 0)


def _shortage(permutations: int, level: float) -> str:
    """Why the permutations are too few for a level; empty where they suffice."""
    if level * (permutations + 1) >= 1:
        return ""
    least = math.ceil(1 / level) - 1
    return f"{permutations} permutations cannot give a p-value as small as the level {level:g}; use at least {least}"


def require_permutations(permutations: int, level: float) -> None:
    """Refuse a test that could never reject.

    Raises:
        UsageError: The smallest possible p-value is above the level.
    """
    shortage = _shortage(permutations, level)
    if shortage:
        raise UsageError(shortage, hint="Raise --permutations.")


class SettingError(UsageError):
    """A setting is unknown, of the wrong type, out of range or in conflict with another.

    Attributes:
        where: Path of the setting; empty where several are in conflict.
        problem: What is wrong, without the name of the setting.
    """

    def __init__(self, where: tuple[int | str, ...], problem: str, *, hint: str = "") -> None:
        name = ".".join(map(str, where))
        super().__init__(f"setting {name!r}: {problem}" if name else problem, hint=hint)
        self.where = where
        self.problem = problem


def wrong_settings(kind: type[Record], values: dict[str, Any]) -> list[SettingError]:
    """Errors of single settings; missing settings and conflicts between settings are ignored."""
    try:
        kind(**values)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        return [_refused(kind, problem) for problem in problems if problem["loc"] and problem["type"] != "missing"]
    return []


def make_settings(**values: Any) -> AuditSettings:
    """Validate settings.

    Raises:
        UsageError: One is unknown, of the wrong type, out of range or in conflict with another; the message names it.
    """
    return validated(AuditSettings, values)


CHECK_ONLY = tuple(name for name, field in AuditSettings.model_fields.items() if usage_of(field).check_only)
"""Settings that a `forget` does not take."""


def make_series_settings(*, series: Any, **values: Any) -> AuditSettings:
    """The settings of a `forget`: the audited model is the last checkpoint, read in one pass.

    Raises:
        UsageError: As `make_settings`.
    """
    valid = validated(SeriesSettings, dict(series))
    for name in CHECK_ONLY:
        if name in values:
            raise UsageError(
                f"{name} is not for a series", hint="Its models are its checkpoints, its features those of one pass."
            )
    return make_settings(kind="forget", model=valid.checkpoints[-1][1], features="single-pass", series=valid, **values)


def inputs_of(settings: AuditSettings) -> list[str]:
    """Everything an audit reads, which no output may overwrite."""
    series = settings.series
    read = [settings.suspect, settings.heldout, settings.model, *settings.references]
    if settings.chat_template not in (None, NO_TEMPLATE):
        read.append(str(settings.chat_template))
    read += [source for source in (settings.base, settings.tokenizer) if source is not None]
    if series is not None:
        read += [source for _, source in (*series.checkpoints, *series.tasks)]
        read += [source for source in (series.general, series.placebo) if source is not None]
    return read


def make_options(**values: Any) -> RunOptions:
    """Validate how an audit is run; errors as `make_settings`."""
    return validated(RunOptions, values)


def validated(kind: type[R], values: dict[str, Any]) -> R:
    """Validate settings of a kind; errors as of `make_settings`."""
    try:
        return kind(**values)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _refused(kind, problem) from None


def _refused(kind: type[Record], problem: ErrorDetails) -> SettingError:
    name = ".".join(map(str, problem["loc"]))
    hint = did_you_mean(name, kind.model_fields) if problem["type"] == "extra_forbidden" else ""
    return SettingError(problem["loc"], problem["msg"].removeprefix("Value error, "), hint=hint)


SHORT_THRESHOLDS = tuple(
    name for name, field in Policy.model_fields.items() if any(isinstance(mark, Usage) for mark in field.metadata)
)
"""Thresholds that have an option and a key of their own, without `policy`."""


class RunOptions(CheckedSettings):
    """How an audit is run; no figure depends on it."""

    name: str = ""
    """Name of the audit in its report."""

    command: Annotated[str, Usage(flag=False)] = ""
    """The command line that reproduces the audit."""

    cache_dir: Annotated[str | None, Usage(everywhere=True)] = None
    """Folder of the score store; the platform's cache folder by default."""

    gate: Gate = Gate()
    """Which outcomes fail CI."""
