"""The settings of a test of dealt material, validated before anything is read or scored."""

from __future__ import annotations

from datetime import date
from itertools import chain
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from auditor.core.errors import UsageError
from auditor.core.record import Usage
from auditor.models.backend import LoadOptions
from auditor.results.dealt.policy import DealtPolicy
from auditor.settings import CheckedSettings, Documents, Model, Source, device_name, validated

Material = Literal["plan", "order", "identifiers"]
"""What a test is of: a dealt plan, the order of a file, or identifiers in documents."""

MATERIALS: tuple[Material, ...] = ("plan", "order", "identifiers")

_OWN: dict[Material, tuple[str, ...]] = {
    "plan": ("batch", "scores", "released", "reference_released", "look", "sequential", "permutations"),
    "order": ("field", "shard", "orders"),
    "identifiers": ("field",),
}
"""Settings that some materials have and others have not."""


class ScoringSettings(CheckedSettings):
    """How candidates are scored, by whoever has the model."""

    model: Annotated[Model, Usage(positional=True)] = ""
    """Model folder or name, PEFT adapter folder, or GGUF file; left out where --scores has the scores."""

    references: tuple[Model, ...] = ()
    """Models that cannot have seen the published text: their scores are subtracted where the plan says so, and each
    goes through the same test as a control."""

    device: Annotated[str, Usage(everywhere=True)] = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""

    dtype: Annotated[Literal["auto", "float32", "bfloat16", "float16"], Usage(everywhere=True)] = "auto"
    """auto is float32 on a CPU and the stored type on a GPU."""

    revision: str | None = None
    """Revision of a model named on a hub."""

    base: Model | None = None
    """Base of the tested adapter, in place of the one it names; references keep theirs."""

    tokenizer: Model | None = None
    """Folder of the tokenizer of the tested model, in place of its own; references keep theirs."""

    context: Annotated[int, Usage(everywhere=True)] = Field(default=2048, ge=16)
    """Longest window in tokens; a longer text is scored in several windows."""

    max_tokens: Annotated[int | None, Usage(everywhere=True)] = Field(default=None, ge=16)
    """Score at most this many tokens of a text; a candidate that is longer has no score."""

    seed: int = Field(default=0, ge=0)
    """Seed of the choice of texts that are scored twice; no coin and no p-value depends on it."""

    @field_validator("device")
    @classmethod
    def _a_known_device(cls, value: str) -> str:
        return device_name(value)

    @property
    def load_options(self) -> LoadOptions:
        """How the tested model is loaded."""
        return LoadOptions(self.device, self.dtype, self.revision, self.context, self.base, self.tokenizer)

    @property
    def inputs(self) -> list[str]:
        """Everything that is read to score, which no output may overwrite."""
        read = [self.model, *self.references, self.base, self.tokenizer]
        return [source for source in read if source]


class PlanTestSettings(ScoringSettings):
    """Everything that decides the figures of a test of dealt material, and nothing that does not."""

    plan: Annotated[str, Source("folder")] = ""
    """Folder of the plan that `auditor plant` made."""

    order: Annotated[str | None, Source("file")] = None
    """In place of a plan: a file that was published with its rows in random order."""

    identifiers: Documents | None = None
    """In place of a plan: documents with digests, random UUIDs and other identifiers of known law."""

    field: str | None = None
    """Of --order and --identifiers, column of the text; `text` by default, of --order else all columns as JSON."""

    shard: int = Field(default=8, ge=2)
    """Rows of a block, inside which --order tests the order; a block has to fit the window of the model."""

    orders: int = Field(default=19, ge=1, le=1000)
    """Random orders of each block that its own order is compared with."""

    batch: int = Field(default=1, ge=1)
    """Batch of the plan that is opened; it proves nothing for models trained after that."""

    scores: Annotated[str | None, Source("file")] = None
    """Scores of the candidates that whoever has the model made with --blind."""

    released: str | None = None
    """Day on which the model was released (YYYY-MM-DD): coins and time stamp have to be older."""

    reference_released: str | None = None
    """Day on which the newest reference was released (YYYY-MM-DD); one newer than the deal may have seen the text."""

    look: int = Field(default=0, ge=0, le=1000)
    """Number of this model among several that the batch is tested on, counted before any result: the j-th has the share
    6 / (pi j)^2 of the level. 0 where there is no other."""

    sequential: bool = False
    """Test unit by unit by betting, in the order of draws, in place of the committed statistic; it pays twofold."""

    permutations: int = Field(default=9999, ge=99)
    """Random deals of the engine of a dealt hold-out; the rank test needs none."""

    reveal: bool = False
    """Show the texts of all candidates; without it they appear by id and digest only."""

    policy: DealtPolicy = DealtPolicy()
    """The thresholds."""

    @field_validator("released", "reference_released")
    @classmethod
    def _a_day(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                date.fromisoformat(value)
            except ValueError:
                raise ValueError(f"{value!r} is no day; write it as in 2026-03-14") from None
        return value

    @property
    def material(self) -> Material:
        """What is tested."""
        return "order" if self.order is not None else "identifiers" if self.identifiers is not None else "plan"

    @model_validator(mode="after")
    def _one_material(self) -> Self:
        named = [name for name in MATERIALS if (getattr(self, name) or "").strip()]
        if not named:
            raise ValueError("there is no plan: name its folder with --plan, or a file with --order or --identifiers")
        if len(named) > 1:
            raise ValueError(f"one test has one material: leave --{' or --'.join(named)} out")
        foreign = [
            name
            for name in chain.from_iterable(_OWN.values())
            if name not in _OWN[self.material] and getattr(self, name) != type(self).model_fields[name].default
        ]
        if foreign:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in dict.fromkeys(foreign))
            raise ValueError(f"{options}: no option of a test by --{self.material}; leave it out")
        return self

    @model_validator(mode="after")
    def _one_source_of_scores(self) -> Self:
        if self.scores is None and not self.model.strip():
            raise ValueError("there is nothing to test: name a model, or scores with --scores")
        if self.scores is not None and (self.model.strip() or self.references):
            raise ValueError("scores are those of a model already: leave model and references out")
        return self

    @property
    def inputs(self) -> list[str]:
        """Everything that is read, which no output may overwrite."""
        read = [self.plan, self.order, self.identifiers, self.scores]
        return [*super().inputs, *(source for source in read if source)]


def make_plan_test_settings(**values: Any) -> PlanTestSettings:
    """Validate settings.

    Raises:
        UsageError: One is unknown, of the wrong type, out of range or in conflict with another; the message names it.
    """
    return validated(PlanTestSettings, values)


def make_scoring_settings(**values: Any) -> ScoringSettings:
    """Validate how candidates are scored; errors as of `make_plan_test_settings`, and where no model is named."""
    settings = validated(ScoringSettings, values)
    if not settings.model.strip():
        raise UsageError("there is no model to score with", hint="Name it in front of the options.")
    return settings
