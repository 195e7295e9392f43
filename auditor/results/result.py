"""The result tree: one audit, whole. JSON of this is the truth; every other output is rendered from it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Number, Record, Share
from auditor.results.chat import ChatSummary
from auditor.results.correction import Correction
from auditor.results.forgetting.series import Forgetting
from auditor.results.gate import Gate
from auditor.results.guards import GuardResult
from auditor.results.measurements import Measurements
from auditor.results.models import ModelIdentity
from auditor.results.outcome import EXIT_CODES, Grade, Outcome
from auditor.results.overlap import SharedDocument, left_out
from auditor.results.policy import Policy
from auditor.results.separability import CurvePoint, Excess, RowOrder, Separability

SCHEMA_VERSION: Literal["2.0"] = "2.0"

Side = Literal["suspect", "heldout"]


_NAME = Unverifiable("how the audit is called")
_ORIGIN = Unverifiable("when, where and with what it was made")
_BATCH = Unverifiable(
    "the correction for the other audits of the batch, or that there were none (--batch shows it)", frozenset({"batch"})
)
_EXCERPTS = Unverifiable(
    "excerpts of the documents (--data for both sides shows them)", frozenset({"data suspect", "data heldout"})
)
_TOKENS = Unverifiable("how many tokens the placebo and the general set have", parts=(".tokens",))
_CHAT = Unverifiable(
    "whether the documents are conversations (--data for both sides shows it)",
    frozenset({"data suspect", "data heldout"}),
)
_COUNTS = (".skipped_files", ".skipped_kinds", ".skipped_kinds.*", ".dropped_empty", ".dropped_duplicate")


def _passed_over(role: str, name: str) -> Unverifiable:
    reason = f"how much of the {name} set was passed over (--data {role}=PATH shows it)"
    return Unverifiable(reason, frozenset({f"data {role}"}), _COUNTS)


def _texts(role: str) -> Unverifiable:
    reason = f"the texts of the {role} set (--data {role}=PATH shows them)"
    return Unverifiable(reason, frozenset({f"data {role}"}), (*_COUNTS, ".characters", ".sha256"))


NO_CONTROL: tuple[Outcome, Grade] = ("EVIDENCE", "no control")
"""What a hidden difference between the sets can produce by itself."""


class Verdict(Record):
    """The verdict of an audit."""

    outcome: Outcome
    """EVIDENCE, NO EVIDENCE or INCONCLUSIVE."""

    reason: str
    """Machine-readable: `separated`, `not-separated`, `guard:NAME`, `underpowered`, `no-control`; of a `forget`
    `state:LETTER`, of a `check` with a series that finds a trace `series:LETTER`."""

    sentence: str
    """The verdict in one plain sentence."""

    not_meaning: str
    """What it does not mean, one sentence."""

    remediation: str = ""
    """What would change an INCONCLUSIVE; empty otherwise."""

    validity_class: Literal["A", "B", "C"]
    """A exact by the auditor's own randomisation, B exact if suspect and held-out are exchangeable but for
    training, C descriptive only."""

    validity: str
    """The class in a sentence."""

    grade: Grade
    """`controlled` if a reference or base model that reads the texts about as well went through the same test, in a
    series a placebo set or a clean origin; `no control` otherwise: a difference that no text column detects would then
    look like training."""

    @property
    def headline(self) -> str:
        """The outcome as every output shows it: EVIDENCE without a control says so, unless coins stand in for one."""
        alone = (self.outcome, self.grade) == NO_CONTROL and self.validity_class != "A"
        return f"{self.outcome} ({self.grade})" if alone else self.outcome


class Thresholds(Policy):
    """The numbers that turn figures into a verdict."""

    guard_alphas: dict[str, Share]
    """How often each guard may fail on sound input; together they bound the rate of false alarms."""


class Procedure(Record):
    """A published procedure on the same signals, for comparison; it never makes the verdict."""

    name: str
    p_value: Share
    threshold: Share
    detects: bool
    source: str
    caveat: str
    details: dict[str, Number]


class TokenMark(Record):
    """One token of a revealed document: its text and its log-probability (nats)."""

    text: str
    logprob: Annotated[Number, Unverifiable("log-probabilities of single tokens", frozenset({"again"}))]


class FeatureNote(Record):
    """What a column of the test measures (one line, with its unit) and where it was published."""

    name: str
    summary: str
    source: str


class ExcludedFeature(Record):
    """A feature that was requested and excluded from the test, with the reason."""

    name: str
    reason: str


class DocumentResult(Record):
    """One document as it appears in the report."""

    id: str
    side: Side
    group: str
    sha256: str
    score: Number | None
    """Out-of-fold learned score of its group; higher looks more trained on. None where it is not scored."""

    bits_per_byte: Number | None
    tokens: Count
    """Scored tokens."""

    excerpt: Annotated[str | None, _EXCERPTS] = None
    """Start of the text, only with `--reveal`."""

    marks: Annotated[tuple[TokenMark, ...] | None, replace(_EXCERPTS, parts=("", "[*]", "[*].text"))] = None
    """The first tokens with their log-probabilities, only with `--reveal`."""


class GroupScore(Record):
    """Out-of-fold learned score of one group, the unit of the test."""

    group: str
    side: Side
    score: Number


class CorpusSummary(Record):
    """The documents of one side. Skipped files lay in the same folder and are of no known format."""

    source: str
    documents: Count
    groups: Count
    skipped_files: Count
    skipped_kinds: dict[str, Count]
    """The same by kind: a suffix, `about the data` (a card, a licence), `of other splits`."""

    hidden_files: Annotated[Count, Unverifiable("how many hidden files there were among the documents")]
    """Hidden files and folders, whose names begin with a dot; they are never read."""

    dropped_empty: Count
    dropped_duplicate: Count
    dropped_shared: Count
    """Documents that another set shares and that are not compared; `sha256` alone covers them."""

    characters: Count
    tokens: Count
    truncated: Count
    sha256: str


class ModelSummary(ModelIdentity):
    """A model that was scored, and how."""

    role: Literal["target", "reference", "checkpoint"]
    """The audited model, a reference, or a checkpoint of the series."""

    name: str = ""
    """Name of a checkpoint, given by the user; empty for others."""

    @classmethod
    def of(cls, model: ModelIdentity, role: Literal["target", "reference", "checkpoint"], name: str = "") -> Self:
        """A model in its role."""
        return cls(**dict(model), role=role, name=name)


class SettingChoice(Record):
    """A setting that is not the default."""

    name: str
    """Path of the setting, such as `policy.alpha`."""

    value: str
    """Its value, as JSON."""

    default: str
    """The default, as JSON."""

    threshold: bool
    """Whether it is a threshold of the verdict or of a state."""


class Manifest(Record):
    """Everything needed to run the audit again."""

    auditor_version: Annotated[str, _ORIGIN]
    created: Annotated[str, _ORIGIN]
    command: str
    """What runs the audit again: a command line, or a call from Python."""

    seed: int
    configuration: dict[str, Any]
    configuration_sha256: str
    nondefault_settings: tuple[SettingChoice, ...]
    """Every setting that is not the default, thresholds first; they follow from the configuration."""

    packages: dict[str, Annotated[str, _ORIGIN]]
    platform: Annotated[str, _ORIGIN]
    models: tuple[ModelSummary, ...]
    chat: Annotated[ChatSummary | None, _CHAT] = None
    """How conversations became text; None of plain text."""

    features: tuple[str, ...]
    texts_scored: Annotated[Count, _ORIGIN]
    texts_from_store: Annotated[Count, _ORIGIN]


class BatchCorrection(Record):
    """The correction of an audit's p-value for the other audits of its batch."""

    method: Annotated[Correction, _BATCH]
    """Holm bounds the chance of one false EVIDENCE in the whole batch, Benjamini-Hochberg the expected share of
    false ones among all."""

    audits: Annotated[Count, _BATCH]
    """How many audits are corrected together: all of the batch, each with one p-value."""

    broken: Annotated[Count, _BATCH]
    """How many of them broke and count with a p-value of 1."""

    p_value: Share
    """Of the hypothesis that the verdict rests on, before the correction."""

    n_hypotheses: Count
    """Number of hypotheses that could have led to EVIDENCE: one of a `check`, two of a `forget`, three with
    interventions."""

    p_entered: Share
    """The p-value that enters the correction: p_value times n_hypotheses, at most 1; and 1 where the audit alone is
    not EVIDENCE although its p-value is at or below its level."""

    p_adjusted: Annotated[Share, _BATCH]
    """p_entered after the correction."""

    @property
    def refused(self) -> bool:
        """Whether the p-value counts as 1 although it is smaller."""
        return self.p_value < 1 and self.p_entered == 1

    @property
    def over(self) -> str:
        """The audits that are corrected together, in words: `30 audits, 2 of which broke and count with p = 1`."""
        audits = f"{self.audits:,} audit{'' if self.audits == 1 else 's'}"
        if not self.broken:
            return audits
        return f"{audits}, {self.broken:,} of which broke and count{'s' if self.broken == 1 else ''} with p = 1"


class AuditResult(Record):
    """One audit: the verdict and everything that made it."""

    schema_version: Literal["2.0"] = SCHEMA_VERSION
    kind: Literal["check", "forget"] = "check"
    """Of a `forget`, the verdict is made from the state of the last checkpoint, and membership, guards, features
    and documents are those of that checkpoint."""

    name: Annotated[str, _NAME]
    verdict: Verdict
    thresholds: Thresholds
    membership: Separability
    excess: Excess | None
    guards: tuple[GuardResult, ...]
    controls: dict[str, Separability]
    curve: tuple[CurvePoint, ...]
    heldout_order: RowOrder | None
    """Whether held-out groups that follow each other are alike; None where they are too few to see."""

    procedures: tuple[Procedure, ...]
    feature_notes: tuple[FeatureNote, ...]
    excluded_features: tuple[ExcludedFeature, ...]
    group_scores: tuple[GroupScore, ...]
    documents: tuple[DocumentResult, ...]
    suspect: Annotated[CorpusSummary, _passed_over("suspect", "suspect")]
    heldout: Annotated[CorpusSummary, _passed_over("heldout", "held-out")]
    placebo: Annotated[CorpusSummary | None, _texts("placebo"), _TOKENS] = None
    """The second held-out set of a series, with the tokens its origin read; None where none was given."""

    general: Annotated[CorpusSummary | None, _texts("general"), _TOKENS] = None
    """The same of its general text."""

    limitations: tuple[str, ...]
    manifest: Manifest
    forgetting: Forgetting | None = None
    """The series of checkpoints; None where none was given."""

    gate: Annotated[Gate, Unverifiable("the gate, which whoever ran the audit chose", parts=("**",))] = Gate()
    """The gate, which decides the exit code."""

    multiplicity: BatchCorrection | None = None
    """The correction for the other audits of a batch, which the verdict takes into account; None outside one."""

    measurements: Measurements | None = None
    """The inputs of every figure, from which `auditor verify` recomputes them."""

    content_sha256: str = ""
    """SHA-256 of everything else here. It reveals accidents and careless edits; whoever edits the file on purpose can
    compute a new one."""

    @property
    def level(self) -> float:
        """Level that the p-value is compared with."""
        return self.thresholds.alpha

    @property
    def deciding_series(self) -> Forgetting | None:
        """The series whose last state is the verdict; None of a `check`."""
        return self.forgetting if self.kind == "forget" else None

    @property
    def left_out(self) -> tuple[SharedDocument, ...]:
        """The documents of both sides that are not compared, as the other side shares them."""
        return () if self.measurements is None else left_out(self.measurements.overlap, self.documents)

    @property
    def exit_code(self) -> int:
        """The process exit code that goes with the verdict."""
        return EXIT_CODES[self.verdict.outcome]
