"""What every figure of a test of dealt material is made from."""

from __future__ import annotations

from typing import Annotated

from auditor.core.marks import Unverifiable
from auditor.core.record import Count, Record
from auditor.results.dealt.checks import PlanCheck
from auditor.results.dealt.coins import CoinFacts
from auditor.results.rows import FeatureTable, Matrix, Numerics, TableRecord

OPENING = frozenset({"opening"})
SECRET = Unverifiable(
    "which candidate of each unit was published, and the order of ties (--plan PLAN shows it, or the opening in a "
    "bundle; of a file order or of identifiers --data ROLE=PATH)",
    OPENING,
    ("[*].published", "[*].tie_order[*]", "[*].id", "[*].kind"),
)
_ORDER = Unverifiable("the order of the units (--plan PLAN shows it)", OPENING, ("[*]",))
_NATURAL = Unverifiable(
    "what was read, and what its checks found before a model ran (--data order=FILE or identifiers=PATH shows it)",
    OPENING,
    ("**",),
)
_CUT = Unverifiable("how many rows the window of the model cuts, which its tokenizer says")
_COPY = Unverifiable("what the published copy held when the test was run")
_OPENED = Unverifiable("for how many other models the batch had been opened, which the owner's own list says")
_SCORE = Unverifiable(
    "a single score, changed by too little to move a rank (all of them together: see above)",
    frozenset({"again"}),
    parts=(".*[*][*]",),
)


class UnitFacts(Record):
    """One unit: its leaf in the commitment and how its coin fell."""

    id: str
    kind: str
    leaf: str
    """Digest of the unit in the Merkle tree, in hexadecimal; all of them give the root of the batch."""

    published: Count
    """Index of the published candidate; of a dealt hold-out 1 for a published and 0 for a withheld document."""

    tie_order: tuple[Count, ...]
    """Number of each candidate; of two with equal scores the one with the smaller number counts as lower."""


class NaturalFacts(Record):
    """What was read of a file order or of identifiers, and judged before a model was opened."""

    sha256: Annotated[str, _NATURAL]
    """Digest of what was read, in its order."""

    checks: Annotated[tuple[PlanCheck, ...], _NATURAL]
    """Their findings."""

    left_out: Annotated[dict[str, Count], _NATURAL]
    """Identifiers that were left out, by reason."""

    cut_rows: Annotated[Count, _CUT] = 0
    """Rows of blocks that do not fit the window of the model whole."""


class CopyFacts(Record):
    """What was found of the candidates in the published copy."""

    published: Count
    """Units whose published candidate is there."""

    withheld: Count
    """Candidates that are there although the coins withheld them."""


class DealtMeasurements(TableRecord):
    """What the figures of a test are made from, without a text, a key or a model."""

    units: Annotated[tuple[UnitFacts, ...], SECRET]
    """Every unit of the batch, in the order of the commitment."""

    unit_order: Annotated[tuple[Count, ...], _ORDER]
    """Number of each unit: the order of ties over units, and of the units in a sequential test."""

    coins: CoinFacts
    """Beacon, time stamp and publication of the commitment."""

    scores: Annotated[dict[str, Matrix], _SCORE]
    """[units, candidates] committed score of each candidate under each model (nats), by its label; None where a
    candidate has none."""

    alike: tuple[Count, ...]
    """Numbers of the units of which two candidates have the same tokens under the audited model."""

    features: dict[str, FeatureTable]
    """Of a dealt hold-out, the features of each document under each model; empty otherwise."""

    reasons: dict[str, dict[str, Count]]
    """For each feature of the audited model, why values are missing and how many for that reason."""

    numerics: dict[str, Numerics]
    """What the probes of each model showed, by its label."""

    other_models: Annotated[Count, _OPENED]
    """Other models that the batch was opened for before."""

    copy_found: Annotated[CopyFacts | None, _COPY, Unverifiable(_COPY.reason, parts=("**",))] = None
    """What the published copy holds; None where there was none to look at."""

    natural: NaturalFacts | None = None
    """Of a file order or of identifiers; None of a plan."""

    sealed_sha256: str = ""
    """Digest of the scores that another party sealed before it knew a coin; empty where whoever opened the batch scored
    it."""
