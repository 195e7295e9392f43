"""The result of a test of dealt material: the verdict and everything that made it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Number, Record, Share
from auditor.results.dealt.checks import PlanCheck
from auditor.results.dealt.coins import Coins
from auditor.results.dealt.measurements import DealtMeasurements
from auditor.results.dealt.policy import DealtPolicy
from auditor.results.dealt.ranks import RankTest
from auditor.results.gate import Gate
from auditor.results.outcome import EXIT_CODES
from auditor.results.result import BatchCorrection, ExcludedFeature, FeatureNote, Manifest, Verdict
from auditor.results.separability import Separability

DEALT_SCHEMA_VERSION: Literal["1.0"] = "1.0"

_NAME = Unverifiable("how the test is called")
_TEXTS = Unverifiable(
    "the texts of the candidates (--plan PLAN shows them, or the opening in a bundle)",
    frozenset({"opening"}),
    ("[*].candidates[*]",),
)


class PlanSummary(Record):
    """What is tested, as far as a reader needs it; the commitment says the same."""

    design: Literal["holdout", "twins", "canaries", "choice", "order", "file-order", "identifiers"]
    """What coins decided; the last two had no coins, and nobody committed to anything."""

    kind: str
    batch: Count
    units: Count
    """Units of the batch."""

    candidates: Count
    """Candidates of a unit; 1 of a dealt hold-out."""

    copies: Count
    score: Literal["logprob-mean", "logprob-sum"]
    statistic: Literal["rank-sum", "signed-rank", "dealt-holdout"]
    reference: bool
    """Whether the score is less that under a reference."""

    alpha: Share
    """Level of the test."""

    root: str
    """Root of the Merkle tree over the units of the batch."""

    commitment_sha256: str
    """Digest that was time-stamped and published: SHA-256 of the commitment as canonical JSON (RFC 8785)."""


class Attempt(Record):
    """The test under one model."""

    test: RankTest
    """Of the committed score."""

    engine: Separability | None
    """Of all features, in a dealt hold-out; None otherwise."""

    p_combined: Share
    """p-value of the test as a whole: of a dealt hold-out twice the smaller of its two p-values."""


class SequentialTest(Record):
    """The test unit by unit, by betting."""

    wealth_log: tuple[Number, ...]
    """Natural logarithm of the wealth after each unit."""

    p_value: Share
    """One over the largest wealth so far, at most 1: valid whenever one stops."""

    stopped: Count | None
    """Number of units after which the p-value that was paid reached the level; None where it never did."""


class UnitResult(Record):
    """One unit as the report shows it."""

    id: str
    leaf: str
    published: Count
    rank: Count | None
    """Candidates that score below the published one; of a dealt hold-out documents that score below it; None where the
    unit has no score."""

    rivals: Count
    """Candidates that it was compared with."""

    margin: Number | None
    """Score of the published candidate less the mean of the others (nats); of a dealt hold-out the score itself."""

    candidates: tuple[str, ...] | None = None
    """Their texts, only with `--reveal`."""


class DealtResult(Record):
    """A test of dealt material, whole. JSON of this is the truth; every other output is rendered from it."""

    schema_version: Literal["1.0"] = DEALT_SCHEMA_VERSION
    kind: Literal["test"] = "test"
    name: Annotated[str, _NAME]
    verdict: Verdict
    plan: PlanSummary
    coins: Coins
    level: Share
    """Level that the paid p-value has to reach: that of the commitment, or the share of a checkpoint."""

    p_value: Share
    """Of the test, before anything is paid."""

    attempts: Count
    """Tests that could have led to EVIDENCE: the batches of the plan, as the owner could try all in secret, times
    2 where the sequential test was chosen in place of the committed one."""

    p_paid: Share
    """min(1, 2^g attempts p): what the verdict compares with the level."""

    target: Attempt | None
    """The test; None where too little was scored."""

    sequential: SequentialTest | None
    controls: dict[str, Attempt]
    """The same test under each reference alone, where the coins cannot matter."""

    detectable_auc: Share | None
    """Smallest chance that published text scores above withheld text which this test would have found with the required
    power; None where it would have found none."""

    units_scored: Count
    checks: tuple[PlanCheck, ...]
    thresholds: DealtPolicy
    units: Annotated[tuple[UnitResult, ...], _TEXTS]
    feature_notes: tuple[FeatureNote, ...]
    excluded_features: tuple[ExcludedFeature, ...]
    limitations: tuple[str, ...]
    commitment: dict[str, Any]
    """The commitment as it was published; of a file order or of identifiers a record of the units that was made when
    the test was run, which commits nobody to anything."""

    manifest: Manifest
    gate: Annotated[Gate, Unverifiable("the gate, which whoever ran the test chose", parts=("**",))] = Gate()
    multiplicity: BatchCorrection | None = None
    """The correction for the other audits of a batch, from which the verdict follows; None outside one."""

    measurements: DealtMeasurements
    content_sha256: str = ""
    """SHA-256 of everything else here."""

    @property
    def exit_code(self) -> int:
        """The process exit code that goes with the verdict."""
        return EXIT_CODES[self.verdict.outcome]
