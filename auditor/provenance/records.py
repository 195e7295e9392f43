"""The records of a plan: units with all their candidates, the commitment to them, and the secret that opens it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from auditor.core.record import Count, Record, Share

SCHEMA: Literal["auditor-commitment-1.0"] = "auditor-commitment-1.0"

DesignName = Literal["holdout", "twins", "canaries", "choice", "order"]
"""What coins decide: which documents are published, or which of two wordings, of several strings, forms or orders."""

NaturalDesign = Literal["file-order", "identifiers"]
"""What nobody planned: the order in which a file stands, or identifiers that it holds."""

Statistic = Literal["rank-sum", "signed-rank", "dealt-holdout"]

Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""32 bytes in lower-case hexadecimal."""


class Site(Record):
    """Where a candidate stands in the corpus."""

    file: str
    """File of the corpus, with `/` between folders."""

    document: Count
    """Position of the document in its file."""

    sha256: Hex32
    """Digest of the document's text (UTF-8) before anything was planted."""

    start: Count = 0
    """Character of the document at which the candidate is put."""

    stop: Count = 0
    """First character after what the candidate replaces; `start` where it replaces nothing."""

    before: str = ""
    """What is put in front of the candidate, such as a space."""

    after: str = ""
    """What is put behind it."""


class Unit(Record):
    """One coin: candidates of which one is published."""

    id: str
    """Unique in the plan."""

    kind: str
    """What its candidates are: a kind of canary, `document`, `wordings`, `forms` or `orders`."""

    sites: tuple[Site, ...]
    """Where the published candidate goes, once for each copy."""

    candidates: tuple[str, ...] = Field(min_length=1)
    """All candidates, exactly; of the design `holdout` the document alone."""


class TestRule(Record):
    """The test, fixed before the coins exist."""

    __test__ = False

    score: Literal["logprob-mean", "logprob-sum"]
    """Log-probability of a candidate alone (nats), a token or in all; less that under the reference where one is
    given."""

    statistic: Statistic
    """`rank-sum` of published candidates among their decoys, `signed-rank` of differences between two wordings, or
    `dealt-holdout`: the engine on all features and the rank sum of the score, each paid for."""

    reference: bool
    """Whether the scores of a reference are subtracted."""

    alpha: Annotated[float, Field(gt=0, lt=1)]
    """Level."""

    sided: Literal["greater"] = "greater"
    """Published candidates score higher."""

    ties: Literal["keyed"] = "keyed"
    """Equal scores are ordered by draws."""


class BatchCommitment(Record):
    """The commitment to one batch, which is opened at once and only once."""

    id: Count
    units: Count
    root: Hex32
    """Root of the Merkle tree over the units."""

    key: Hex32
    """SHA-256("auditor/key/1" || salt || key)."""


class BeaconRound(Record):
    """A round of public randomness that had not happened when the commitment was made."""

    chain: Literal["drand-quicknet"] = "drand-quicknet"
    round: Count


class Commitment(Record):
    """What is public before the coins exist. It says nothing of any candidate."""

    schema_version: Literal["auditor-commitment-1.0"] = SCHEMA
    made_by: str
    design: DesignName | NaturalDesign
    """Of a plan what its coins decide; the others are made when a test is run, and commit nobody to anything."""

    kind: str
    """Kind of the candidates."""

    units: Count
    candidates: Count
    """Candidates of a unit: decoys and the one that is published; 1 of a `holdout`."""

    copies: Count
    """Documents that carry the same candidate."""

    withheld_share: Share | None
    """Of a `holdout`: the share of documents that stay unpublished; None of other designs."""

    batches: tuple[BatchCommitment, ...] = Field(min_length=1)
    test: TestRule
    corpus: Hex32
    """HMAC-SHA256(key of the first batch, "corpus" || digest of the corpus before anything was planted): a digest alone
    would confirm a guess of what was withheld."""

    beacon: BeaconRound | None
    """The round that the coins depend on; None where they are the owner's alone."""

    note: str = ""

    @property
    def planned(self) -> DesignName:
        """What the coins of a plan decide.

        Raises:
            ValueError: There was no plan.
        """
        if self.design == "file-order" or self.design == "identifiers":
            raise ValueError(f"{self.design} is no design of a plan")
        return self.design

    @model_validator(mode="after")
    def _one_count(self) -> Self:
        if len({batch.id for batch in self.batches}) != len(self.batches):
            raise ValueError("two batches have one number")
        if sum(batch.units for batch in self.batches) != self.units:
            raise ValueError("the units of the batches are not those of the plan")
        return self


class BatchSecret(Record):
    """What opens a batch."""

    id: Count
    key: Hex32
    salt: Hex32


class Secret(Record):
    """What opens a plan. Whoever has it knows every coin once the beacon round is known; without a beacon, at once."""

    batches: tuple[BatchSecret, ...]
