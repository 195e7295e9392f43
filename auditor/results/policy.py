"""The numbers that turn figures into a verdict, fixed before any score is read."""

from __future__ import annotations

from pydantic import Field

from auditor.core.record import Record


class Policy(Record):
    """Every threshold of an audit.

    The levels of the testing guards (blind, clusters, controls, null splits, minimums) add up to less than 5 %, so that
    where suspect and held-out documents are alike and neither was trained on, all guards together raise a false alarm
    in at most 5 % of audits. The direction and excess guards are asked only once the membership test rejects; they can
    withhold EVIDENCE from a true effect.
    """

    alpha: float = Field(default=0.01, gt=0, lt=0.5)
    """Level of the membership test."""

    power: float = Field(default=0.8, gt=0.5, lt=1)
    """Power at which the detectable effect is stated."""

    required_auc: float = Field(default=0.65, gt=0.5, lt=1)
    """NO EVIDENCE is only said if effects of this AUC would have been seen with that power."""

    overlap_similarity: float = Field(default=0.8, gt=0, le=1)
    """Least similarity of shingle sets at which two documents count as nearly the same."""

    excess_level: float = Field(default=0.95, gt=0.5, lt=1)
    """One-sided confidence that the membership AUC exceeds what text alone explains."""

    blind_alpha: float = Field(default=0.02, gt=0, lt=0.5)
    """Level of the test on text alone."""

    clusters_alpha: float = Field(default=0.01, gt=0, lt=0.5)
    """Level of the test that neighbours are on either side as chance has it."""

    controls_alpha: float = Field(default=0.01, gt=0, lt=0.5)
    """Level over all control models together."""

    null_alpha: float = Field(default=0.001, gt=0, lt=0.5)
    """Level of the test of the held-out set against itself."""

    direction_alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """One-sided level at which the features must point towards training."""

    minimum_groups: int = Field(default=30, ge=2)
    """Fewest groups a side."""

    most_missing: float = Field(default=0.2, gt=0, le=1)
    """A feature that more than this share of all groups have no value in is left out."""

    uneven_alpha: float = Field(default=0.001, gt=0, lt=0.5)
    """Level at which missing values or truncation count as touching one side more."""

    batch_tolerance: float = Field(default=0.02, gt=0)
    """Largest difference of a document's mean log-probability, alone in float32 against in its batch, in nats a
    token."""

    ordered_share: float = Field(default=0.75, gt=0.5, le=1)
    """Share of probed documents whose words in order must be more probable than shuffled."""
