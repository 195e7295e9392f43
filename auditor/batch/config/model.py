"""The model of a configuration, derived from the settings of an audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from auditor.batch.config.nodes import Node
from auditor.core.record import Record, field_docs
from auditor.dealt.settings import PlanTestSettings
from auditor.results.correction import Correction
from auditor.results.dealt.policy import DealtPolicy
from auditor.results.gate import OUTCOME_WORDS, STATE_WORDS, Expect
from auditor.results.policy import Policy
from auditor.settings import SHORT_THRESHOLDS, AuditSettings, SeriesSettings

MOST_NAME = 100
"""Characters of the longest name."""

_OF_SERIES = {"policy": "forgetting_policy"}
"""Settings with another key in a configuration, where their own name means something else."""

NEEDED = (
    *((name,) for name, field in AuditSettings.model_fields.items() if field.is_required() and name != "model"),
    ("model", "checkpoints"),
)
"""Groups of settings of which a check or a forget needs one, of its own or from the defaults."""

TEST_NEEDED = (("plan",), ("model",))
"""The same of a test of a plan."""

_OF_PLAN = {"policy": "plan_policy"}

_NOT_OF_PLANS = ("scores", "order", "identifiers", "field", "shard", "orders")
"""Settings of `auditor test` without a model or without a plan, which a batch does not run."""

SHORT_PLAN_THRESHOLDS = tuple(name for name in SHORT_THRESHOLDS if name in DealtPolicy.model_fields)
"""Thresholds of a test of a plan with a key of their own."""


class _Written(BaseModel):
    """A mapping of a configuration file; unknown keys and conversions are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def key_of(setting: str) -> str:
    """The key of a setting."""
    return setting.replace("_", "-")


def series_keys() -> dict[str, str]:
    """Key and name of every setting of a series."""
    return {key_of(_OF_SERIES.get(name, name)): name for name in SeriesSettings.model_fields}


def plan_keys() -> dict[str, str]:
    """Key and name of every setting of a test of a plan; a batch scores by itself, so that it takes no scores."""
    names = (name for name in PlanTestSettings.model_fields if name not in _NOT_OF_PLANS)
    return {key_of(_OF_PLAN.get(name, name)): name for name in names}


def is_test(own: Mapping[str, Node], shared: Mapping[str, Node]) -> bool:
    """Whether an audit is a test of a plan.

    Args:
        own: The keys in the audit itself.
        shared: The defaults.
    """
    written = own.get("kind") or shared.get("kind")
    if written is not None:
        return written.value == "test"
    return "plan" in own or ("plan" in shared and own.keys().isdisjoint(("suspect", "heldout", "checkpoints")))


def check_keys(model: type[BaseModel] = AuditSettings) -> dict[str, str]:
    """Key and name of every setting of an audit."""
    return {key_of(name): name for name in model.model_fields if name not in ("kind", "series")}


def _annotation(annotation: Any) -> Any:
    """The type a setting has in a file: pairs are a mapping there, thresholds a mapping with other keys."""
    pair = next(iter(get_args(annotation)), None)
    if get_origin(annotation) is tuple and get_origin(pair) is tuple and Ellipsis not in get_args(pair):
        name, source = get_args(pair)
        return dict[name, source]  # type: ignore[valid-type]
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return create_model(f"Written{annotation.__name__}", __base__=_Written, **file_fields(annotation))
    return annotation


def file_fields(model: type[BaseModel], names: dict[str, str] | None = None) -> dict[str, Any]:
    """Fields of a configuration file for those of the settings; none is required.

    Args:
        model: The settings.
        names: Key and name of each; all by default.
    """
    docs = field_docs(model)
    names = {key_of(name): name for name in model.model_fields} if names is None else names
    return {key.replace("-", "_"): _field(key, model.model_fields[name], docs[name]) for key, name in names.items()}


def _field(key: str, setting: FieldInfo, description: str) -> Any:
    annotation = _annotation(setting.annotation)
    plain = setting.default is not PydanticUndefined and annotation is setting.annotation
    # A default that is made on demand is not part of the schema: what is left out of a file is left to the settings.
    default: dict[str, Any] = {"default": setting.default} if plain else {"default_factory": lambda: None}
    about: Any = Field(**default, alias=key, description=description)
    return Annotated[(annotation, *setting.metadata, about)]


def _optional(annotation: Any, key: str, description: str, **limits: Any) -> Any:
    return annotation, Field(default_factory=lambda: None, alias=key, description=description, **limits)


def fields_by_key(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a mapping by their keys in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


DefaultsModel = create_model(
    "DefaultsModel",
    __base__=_Written,
    __doc__="What audits have in common; an audit's own keys win.",
    **file_fields(AuditSettings, check_keys()),
    **file_fields(SeriesSettings, series_keys()),
    **file_fields(
        PlanTestSettings, {key: name for key, name in plan_keys().items() if key not in {*check_keys(), *series_keys()}}
    ),
    **file_fields(Policy, {key_of(name): name for name in SHORT_THRESHOLDS}),
    kind=_optional(
        Literal["check", "forget", "test"],
        "kind",
        "Needed only where both a model and checkpoints are named: a check beside a series, or a forget that leaves "
        "the model of the defaults aside. An audit with a plan is a test, and so is one without suspect, heldout and "
        "checkpoints of its own where the defaults name a plan.",
    ),
    expect=_optional(Expect, "expect", "The expected outcome, no-evidence by default; any other fails."),
    fail_on=_optional(
        tuple[Literal.__getitem__(tuple(OUTCOME_WORDS)), ...],  # type: ignore[misc]
        "fail-on",
        "Outcomes that fail: verdicts, and with checkpoints states of the last one.",
    ),
    states=_optional(
        tuple[Literal.__getitem__(tuple(STATE_WORDS)), ...],  # type: ignore[misc]
        "states",
        "Of a forget: the allowed states of the last checkpoint; any other fails.",
        min_length=1,
    ),
)

AuditModel = create_model(
    "AuditModel",
    __base__=DefaultsModel,
    __doc__="One audit: a check of a model, a forget of a series of checkpoints, or a test of a plan.",
    name=(str, Field(min_length=1, max_length=MOST_NAME, description="Name of the audit; no two are equal.")),
)


def _needs(*keys: str) -> dict[str, Any]:
    """JSON Schema of files in which the defaults or every audit have one of some keys."""
    has_key = {"anyOf": [{"required": [key]} for key in keys]}
    every = {"properties": {"audits": {"items": has_key}}}
    return {"anyOf": [{"required": ["defaults"], "properties": {"defaults": has_key}}, every]}


_EITHER = tuple(keys if "model" in keys else (*keys, "plan") for keys in NEEDED)


class BatchModel(_Written):
    """A batch of audits, as `auditor batch` reads it. Relative paths are relative to the folder of this file."""

    model_config = ConfigDict(json_schema_extra={"allOf": [_needs(*keys) for keys in _EITHER]})

    name: str = Field(
        default_factory=str,
        min_length=1,
        max_length=MOST_NAME,
        description="Name of the batch; that of its file by default.",
    )
    correction: Correction = Field(
        "holm",
        description="How p-values are corrected over the batch: holm bounds the chance of one false EVIDENCE, "
        "benjamini-hochberg the expected share of false ones, for which all audits need one alpha.",
    )
    defaults: DefaultsModel = Field(default_factory=DefaultsModel, description="What the audits have in common.")
    audits: tuple[AuditModel, ...] = Field(min_length=1, description="The audits.")
