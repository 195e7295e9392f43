"""Forgetting: the findings of a series, checkpoint by checkpoint."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from auditor.core.record import Number, Record, Share
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.drift import GeneralText, UtilityLoss, WeightChange
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.layers import HIDDEN_STATES, LayerFinding
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.relearning import Relearning
from auditor.results.forgetting.states import Code
from auditor.results.forgetting.tasks import TaskFindings
from auditor.results.guards import GuardFigure, GuardResult
from auditor.results.separability import Interval


class Condition(Record):
    """The condition of one state, tested against the figures."""

    code: Code
    """The state."""

    status: Literal["met", "not met", "not tested"]
    """`not tested` where it needs interventions that were not run."""

    reason: str
    """The figures, in a sentence."""


class State(Record):
    """What a checkpoint does with the suspect set."""

    code: Code
    """Letter of the state."""

    name: str
    """The state in words."""

    sentence: str
    """The state in one plain sentence with its figures."""

    reason: str
    """Machine-readable, such as `detected`, `guard:blind`, `not-tested`, `underpowered`."""

    figures: tuple[GuardFigure, ...]
    """The figures that decided it, with their limits."""

    conditions: tuple[Condition, ...]
    """Every state in the order in which they are tested; the first whose condition is met is the state."""

    remediation: str = ""
    """What would change an inconclusive state; empty otherwise."""


class ChangeTest(Record):
    """The engine on the change of the loss (bits per byte) since the origin.

    The null is that the changes are exchangeable between suspect and held-out groups. Unit: the group. Assumption: none
    beyond exchangeability.
    """

    p_value: Share
    """The engine's permutation p-value."""

    p_adjusted: Share
    """Over the tests of all checkpoints, of levels and of changes (Holm)."""

    auc: Share
    """Chance that the loss of a suspect group fell more than that of a held-out group."""

    mean_z: Number | None
    """The change, standardised; positive means that the suspect set became more familiar."""

    p_beyond: Share
    """The engine's p-value of the change less what the text and the origin's features predict of it: a drift of the
    model that follows the text is taken out."""

    detected: bool
    """p_adjusted at or below the level, the AUC at or above the required effect, in the direction of training, more
    than text and origin explain, and no guard failed that judges the comparison."""


class Detection(Record):
    """The engine on the single-pass features of one checkpoint, as `auditor check` runs it."""

    p_value: Share
    """The engine's permutation p-value."""

    p_adjusted: Share
    """Over the tests of all checkpoints, of levels and of changes (Holm)."""

    auc: Share
    """Out-of-fold AUC of the learned score."""

    auc_interval: Interval
    """Its interval."""

    mean_z: Number | None
    """Mean of oriented features; positive means more familiar."""

    detectable_auc: Share | None
    """Smallest detectable AUC at the level of the first step of Holm, with the policy's power."""

    change: ChangeTest | None
    """The change since the origin, tested by itself; None at the origin, and where the test rejects there."""

    detected: bool
    """p_adjusted at or below the level and no guard failed; or the change is detected."""

    guards: tuple[GuardResult, ...]
    """The guards at this checkpoint."""

    @property
    def p_decisive(self) -> float:
        """The smaller of the two corrected p-values, each of which can make a detection."""
        return self.p_adjusted if self.change is None else min(self.p_adjusted, self.change.p_adjusted)

    @property
    def p_supporting(self) -> float:
        """The corrected p-value of the test that makes the detection; the smaller of both where both or neither do.

        A smaller p-value of a test that a guard refused supports nothing.
        """
        if self.change is None or not self.detected:
            return self.p_decisive
        if not self.change.detected:
            return self.p_adjusted
        refused = any(guard.status == "failed" for guard in self.guards)
        return self.change.p_adjusted if refused else self.p_decisive


class Checkpoint(Record):
    """One checkpoint of the series."""

    name: str
    """Given by the user."""

    source: str
    """Path or name of the model."""

    heldout: Estimate
    """Bits per byte of the held-out set."""

    heldout_change: Estimate | None
    """Since the origin; None at it."""

    suspect: Contrast
    """The suspect set against held-out."""

    placebo: Contrast | None
    """The placebo set against held-out; None without one."""

    detection: Detection
    """The engine's answer."""

    placebo_p_adjusted: Share | None
    """The engine's p-value on the placebo set against held-out, over all checkpoints (Holm)."""

    general: GeneralText | None
    """General text; None without it."""

    utility_loss: UtilityLoss | None
    """Whether the model got far worse at everything."""

    weights: Annotated[WeightChange | None, replace(HIDDEN_STATES, parts=("**",))]
    """Its weights compared with the origin's; None at the origin."""

    layers: Annotated[tuple[LayerFinding, ...], HIDDEN_STATES]
    """Layer by layer; empty where the model does not expose its layers or they were not requested."""

    relearning: Relearning | None
    """The interventions; None where not requested or not needed."""

    state: State
    """The state decided from these figures."""


class DocumentChange(Record):
    """A document whose loss changed far since the origin."""

    id: str
    """The document."""

    group: str
    """Its group."""

    moves: tuple[Number, ...]
    """At each checkpoint, its bits per byte less those at the origin, less the mean of the held-out documents' same
    change, which removes the drift of the model."""

    memorised: tuple[bool, ...]
    """At each checkpoint, whether it was above the memorised line."""


class ChangeDeciles(Record):
    """Deciles of the drift-corrected movement of all documents of a set, at each checkpoint: [checkpoints][9]."""

    suspect: tuple[tuple[Number, ...], ...]
    heldout: tuple[tuple[Number, ...], ...]


class Forgetting(Record):
    """A series of checkpoints."""

    checkpoints: tuple[Checkpoint, ...] = Field(min_length=2)
    """In the order given; the first is the origin."""

    reference: str | None
    """Name of the checkpoint that shares of the gap refer to: the first at which the suspect set is detected; None
    where it never is."""

    largest_changes: tuple[DocumentChange, ...]
    """The 20 suspect documents that moved farthest, by the largest movement at any checkpoint."""

    change_deciles: ChangeDeciles
    """The movement of all documents."""

    tasks: TaskFindings | None
    """Labelled data; None without it."""

    thresholds: ForgettingPolicy
    """The numbers that turn figures into states."""

    notes: tuple[str, ...]
    """What was left out and why."""
