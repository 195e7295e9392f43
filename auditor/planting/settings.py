"""The settings of a plan, validated before anything is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from auditor.core.record import Share, Usage
from auditor.provenance.records import DesignName
from auditor.settings import CheckedSettings, Model


@dataclass(frozen=True, slots=True)
class Of:
    """Marks a setting of some designs alone."""

    designs: frozenset[DesignName]

    def __init__(self, *designs: DesignName) -> None:
        object.__setattr__(self, "designs", frozenset(designs))


class PlantSettings(CheckedSettings):
    """What is planted, and how it will be tested."""

    corpus: Annotated[str, Usage(positional=True)]
    """Folder or file of the documents that will be published; with --coins, --check, --clean or --review the folder of
    a plan."""

    design: DesignName
    """What coins decide: which documents are published, which of two wordings, which of several strings, forms or
    orders."""

    to: str
    """Folder of the published copy; made by --coins."""

    plan: str
    """Folder of the plan; whoever can read it knows the coins."""

    text_column: str = "text"
    """Column of tables that holds the text."""

    batches: int = Field(default=1, ge=1, le=100)
    """Parts of the plan that are opened one at a time: a batch proves nothing after it was opened."""

    share: Annotated[Share, Of("holdout")] = 0.2
    """Of a hold-out: the share of documents that stay unpublished."""

    count: Annotated[int, Of("canaries")] = Field(default=60, ge=2)
    """Canaries, over all batches."""

    decoys: Annotated[int, Of("canaries", "order")] = Field(default=19, ge=1, le=999)
    """Alternatives of each canary or order that stay unpublished."""

    copies: Annotated[int, Of("canaries")] = Field(default=1, ge=1)
    """Documents that carry the same canary."""

    kind: Annotated[str, Of("canaries")] = "words"
    """What canaries are made of; see `auditor list canaries`."""

    model: Annotated[Model | None, Usage(short="-m"), Of("canaries")] = None
    """Model that samples sentences, for `--kind sampled`."""

    wordings: Annotated[tuple[str, ...], Of("twins", "choice")] = ()
    """Folders or files with the same documents in other wordings; without it, `twins` makes
    two wordings by switches that keep the meaning."""

    shard: Annotated[int, Of("order")] = Field(default=8, ge=2)
    """Rows of a block, whose order is dealt."""

    alpha: float = Field(default=0.01, gt=0, lt=1)
    """Level of the test."""

    with_reference: bool = True
    """Whether a model that cannot have seen the data will be at hand, whose scores are subtracted."""

    document_budget: Annotated[Share, Of("canaries")] = 0.005
    """The largest share of a document's words that a canary may be."""

    corpus_budget: Annotated[Share, Of("canaries")] = 0.001
    """The largest share of the corpus' words that all canaries may be."""

    beacon_after: float = Field(default=24.0, ge=2, le=24 * 365)
    """Hours until the round of public randomness that the coins depend on; the time stamp has to be at least an hour
    older."""

    note: str = ""
    """A public note in the commitment."""

    @field_validator("corpus", "to", "plan")
    @classmethod
    def _named(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("it is empty, which would be the current folder")
        return value

    @model_validator(mode="after")
    def _of_this_design(self) -> Self:
        for name, field in type(self).model_fields.items():
            of = next((mark for mark in field.metadata if isinstance(mark, Of)), None)
            if of is not None and self.design not in of.designs and getattr(self, name) != field.default:
                named = " and ".join(sorted(of.designs))
                raise ValueError(f"{name.replace('_', '-')} is of the design {named}, and the design is {self.design}")
        if self.design == "canaries" and self.batches > self.count:
            raise ValueError(f"{self.count} canaries are too few for {self.batches} batches")
        if self.model is not None and self.kind != "sampled":
            raise ValueError(f"a model samples sentences, and the kind of canaries is {self.kind}")
        return self
