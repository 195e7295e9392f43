"""The whole of what a series showed, checkpoint by checkpoint."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from auditor.core.record import Number, Record, Share
from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.drift import GeneralText, WeightChange, Wreckage
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.layers import LayerFinding
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.relearning import Relearning
from auditor.results.forgetting.tasks import TaskFindings
from auditor.results.guards import Figure, GuardResult
from auditor.results.separability import Interval

Code = Literal["A", "B", "C", "D", "E", "F", "G", "H", "W"]

STATES: dict[Code, str] = {
    "A": "never shown",
    "B": "acquired",
    "C": "persistent",
    "D": "fading",
    "E": "suppressed",
    "F": "no trace found",
    "G": "over-corrected",
    "H": "inconclusive",
    "W": "wrecked",
}


class Condition(Record):
    """One state held against the figures.

    Attributes:
        code: The state.
        status: `not tested` where it needs interventions that were not run.
        because: The figures, in a sentence.
    """

    code: Code
    status: Literal["met", "not met", "not tested"]
    because: str


class State(Record):
    """What a checkpoint does with the suspect set.

    Attributes:
        code: Letter of the state; W is a wrecked model.
        name: The state in words.
        sentence: The state in one plain sentence with its figures.
        reason: Machine-readable, such as `detected`, `guard:blind`, `not-tested`, `underpowered`.
        figures: The figures that decided it, with their limits.
        conditions: Every state, in the order in which they were tried, the first that is met being the answer.
        mend: What would change an inconclusive state; empty otherwise.
    """

    code: Code
    name: str
    sentence: str
    reason: str
    figures: tuple[Figure, ...]
    conditions: tuple[Condition, ...]
    mend: str = ""


class Detection(Record):
    """The engine on the single-pass features of one checkpoint, as `auditor check` runs it.

    Attributes:
        p_value: The engine's permutation p-value.
        p_adjusted: Over all checkpoints (Holm).
        auc: Out-of-fold AUC of the learned score.
        auc_interval: Its interval.
        mean_z: Mean of oriented features; positive means more familiar.
        detectable_auc: What would have been seen at the level of the first step of Holm, with the policy's power.
        detected: p_adjusted at or below the level, and no guard speaks against it.
        guards: The guards at this checkpoint.
    """

    p_value: Share
    p_adjusted: Share
    auc: Share
    auc_interval: Interval
    mean_z: Number | None
    detectable_auc: Share | None
    detected: bool
    guards: tuple[GuardResult, ...]


class Checkpoint(Record):
    """One checkpoint of the series.

    Attributes:
        name: As the user calls it.
        source: Path or name of the model.
        heldout: Bits per byte of the held-out set.
        heldout_change: Since the origin; None at it.
        suspect: The suspect set against held-out.
        placebo: The placebo set in its place; None without one.
        detection: The engine's answer.
        placebo_p_adjusted: The engine's p-value on the placebo set against held-out, over all checkpoints (Holm).
        general: General text; None without it.
        wreckage: Whether the model got far worse at everything.
        weights: Its weights beside the origin's; None at the origin.
        layers: Layer by layer; empty where the model does not show its layers or they were not asked for.
        relearning: The interventions; None where not asked for or not needed.
        state: What all of this comes to.
    """

    name: str
    source: str
    heldout: Estimate
    heldout_change: Estimate | None
    suspect: Contrast
    placebo: Contrast | None
    detection: Detection
    placebo_p_adjusted: Share | None
    general: GeneralText | None
    wreckage: Wreckage | None
    weights: WeightChange | None
    layers: tuple[LayerFinding, ...]
    relearning: Relearning | None
    state: State


class Movement(Record):
    """A document whose loss moved far since the origin.

    Attributes:
        id: The document.
        group: Its group.
        moves: At each checkpoint, its bits per byte less those at the origin, less the mean of the held-out documents'
            same change: what is left after the drift of the model.
        memorised: At each checkpoint, whether it was above the memorised line.
    """

    id: str
    group: str
    moves: tuple[Number, ...]
    memorised: tuple[bool, ...]


class Slopes(Record):
    """Deciles of the drift-corrected movement of all documents of a set, at each checkpoint: [checkpoints][9]."""

    suspect: tuple[tuple[Number, ...], ...]
    heldout: tuple[tuple[Number, ...], ...]


class Forgetting(Record):
    """A series of checkpoints.

    Attributes:
        checkpoints: In the order given; the first is the origin.
        reference: Name of the checkpoint whose gap is the whole: the first at which the suspect set is detected; None
            where it never is.
        movers: The 20 suspect documents that moved farthest, by the largest movement at any checkpoint.
        slopes: The movement of all documents.
        tasks: Labelled data; None without it.
        thresholds: The numbers that turn figures into states.
        notes: What a reader must know: what was left out and why.
    """

    checkpoints: tuple[Checkpoint, ...] = Field(min_length=2)
    reference: str | None
    movers: tuple[Movement, ...]
    slopes: Slopes
    tasks: TaskFindings | None
    thresholds: ForgettingPolicy
    notes: tuple[str, ...]
