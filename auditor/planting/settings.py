"""The settings of a plan, validated before anything is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditor.core.record import Record, Share, Usage
from auditor.provenance.records import DesignName
from auditor.settings import Model


class PlantSettings(Record):
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

    share: Share = 0.2
    """Of `holdout`: the share of documents that stay unpublished."""

    count: int = Field(default=60, ge=2)
    """Of `canaries`: how many, over all batches."""

    decoys: int = Field(default=19, ge=1, le=999)
    """Of `canaries` and `order`: alternatives of each that stay unpublished."""

    copies: int = Field(default=1, ge=1)
    """Of `canaries`: documents that carry the same one."""

    kind: str = "words"
    """Of `canaries`: what they are made of; see `auditor list kinds`."""

    model: Annotated[Model | None, Usage(short="-m")] = None
    """Model that samples sentences, for `--kind sampled`."""

    versions: tuple[str, ...] = ()
    """Of `twins` and `choice`: folders or files with the same documents in other wordings; without it, `twins` makes
    two wordings by switches that keep the meaning."""

    shard: int = Field(default=8, ge=2)
    """Of `order`: rows of a block, whose order is dealt."""

    alpha: Share = 0.01
    """Level of the test."""

    with_reference: bool = True
    """Whether a model that cannot have seen the data will be at hand, whose scores are subtracted."""

    document_budget: Share = 0.005
    """The largest share of a document's words that a canary may be."""

    corpus_budget: Share = 0.001
    """The largest share of the corpus' words that all canaries may be."""

    beacon_after: float = Field(default=24.0, gt=1.0, le=24 * 365)
    """Hours until the round of public randomness that the coins depend on; the time stamp has to be at least an hour
    older."""

    note: str = ""
    """A public note in the commitment."""
