"""The numbers that turn figures into a verdict, fixed before any score is read."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Annotated

from pydantic import Field

from auditor.core.record import Record, Usage
from auditor.results.separability import level_of


class SharedOver(Enum):
    """Marks a level that a permutation test has to reach; its tests share the level, one for each unit."""

    AUDIT = "audit"
    REFERENCE = "reference"
    CHECKPOINT = "checkpoint"
    PLACEBO = "placebo set at a checkpoint"
    INTERVENTION = "intervention at a checkpoint"


def permutation_levels(policy: Record) -> Iterator[tuple[float, SharedOver]]:
    """The levels of a policy that permutation tests have to reach, and what the tests of each are counted over."""
    for name, field in type(policy).model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, SharedOver):
                yield getattr(policy, name), mark


class Policy(Record):
    """Every threshold of an audit.

    The levels of the guards add up to less than 5 %, so that where suspect and held-out documents are alike and neither
    was trained on, all guards together raise a false alarm in at most 5 % of audits. Guards that judge a rejection of
    the membership test have no part in this sum; they can withhold EVIDENCE from a true effect.
    """

    alpha: Annotated[float, Usage(), SharedOver.CHECKPOINT] = Field(default=0.01, gt=0, lt=0.5)
    """Level of the membership test."""

    power: float = Field(default=0.8, gt=0.5, lt=1)
    """Power at which the detectable effect is stated."""

    required_auc: Annotated[float, Usage()] = Field(default=0.65, gt=0.5, lt=1)
    """Effect, as an AUC, that an audit must be able to detect with the required power before it says NO EVIDENCE."""

    overlap_similarity: float = Field(default=0.8, gt=0, le=1)
    """Smallest similarity of shingle sets at which two documents count as near-duplicates."""

    most_shared: float = Field(default=0.12, ge=0, lt=1)
    """Documents that several sets share are left out where they are at most this share of each set."""

    excess_level: float = Field(default=0.95, gt=0.5, lt=1)
    """One-sided confidence that the membership AUC exceeds the AUC of text alone; with a reference, one minus the
    level of the test of the adjusted change."""

    reference_loss: float = Field(default=1.5, ge=1)
    """A reference counts as a control only if its mean loss is at most this multiple of the audited model's: one that
    reads worse does not see what the audited model sees in the texts."""

    blind_alpha: Annotated[float, SharedOver.AUDIT] = Field(default=0.02, gt=0, lt=0.5)
    """Level of the test on text alone."""

    clusters_alpha: Annotated[float, SharedOver.AUDIT] = Field(default=0.01, gt=0, lt=0.5)
    """Level of the test that nearest neighbours are on either side by chance."""

    controls_alpha: Annotated[float, SharedOver.REFERENCE] = Field(default=0.01, gt=0, lt=0.5)
    """Level over all control models together."""

    direction_alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """One-sided level at which the features must have the direction of training."""

    minimum_groups: int = Field(default=30, ge=2)
    """Smallest number of groups on a side."""

    most_missing: float = Field(default=0.2, gt=0, le=1)
    """A feature is excluded if more than this share of all groups has no value."""

    uneven_alpha: float = Field(default=0.001, gt=0, lt=0.5)
    """Level of the tests that missing values and truncation are as frequent on both sides."""

    batch_tolerance: float = Field(default=0.02, gt=0)
    """Largest difference between a document's mean log-probability alone in float32 and in its batch, in nats a
    token."""

    ordered_share: float = Field(default=0.75, gt=0.5, le=1)
    """Smallest share of probed documents whose words are more probable in order than shuffled."""

    @property
    def excess_alpha(self) -> float:
        """The level that goes with `excess_level`."""
        return level_of(self.excess_level)
