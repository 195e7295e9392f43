"""Relearning: what short training or rounding of a checkpoint brings back."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Record, Share
from auditor.results.forgetting.estimate import Estimate


class ProbePoint(Record):
    """The scores after some steps of a probe.

    Attributes:
        steps: Training steps so far; 0 is the checkpoint as it is. A rounding is one step.
        suspect: Bits per byte of the suspect documents that are scored.
        heldout: Of the held-out ones.
        gap: Held-out less suspect. For relearn-half this is the twin difference: held-out half after training on the
            other held-out half, less suspect half after training on the other suspect half.
        auc: Chance that a suspect group has fewer bits per byte than a held-out one; for relearn-half each document's
            loss is the mean over the two relearned models, so that the luck of a training touches both sides alike. It
            is a figure, not the test: see `Probe`.
        placebo_gap: The same gap for the placebo set against held-out; None where it was not given or does not apply.
    """

    steps: Count
    suspect: Estimate
    heldout: Estimate
    gap: Estimate
    auc: Estimate
    placebo_gap: Estimate | None


class Probe(Record):
    """One intervention on one checkpoint.

    Attributes:
        name: `relearn-half`, `reminder` or `quantise`.
        method: `lora`, `full` or `rounding`, in words with its settings.
        points: The curve, from step 0.
        after_p_value: One-sided permutation p-value that suspect documents score better after it: the largest statistic
            over the steps and over three readings of the loss, per byte, per token, and per byte less the loss at the
            origin. Null: groups are exchangeable between the sets. Exact: the training never depends on which side a
            scored document is on.
        rise_p_value: The same for the gain since step 0.
        p_value: The larger of the two: both must hold (intersection-union test).
        p_adjusted: Over all probes and probed checkpoints (Holm).
        placebo_p_value: As `p_value` for the placebo set instead of the suspect set; a small one says that the probe
            brings back what was never there, and the probe then counts for nothing.
        recovered: p_adjusted at or below the level, and the placebo did not recover.
    """

    name: Literal["relearn-half", "reminder", "quantise"]
    method: str
    points: tuple[ProbePoint, ...]
    after_p_value: Share
    rise_p_value: Share
    p_value: Share
    p_adjusted: Share
    placebo_p_value: Share | None
    recovered: bool


class Relearning(Record):
    """The interventions on one checkpoint.

    Attributes:
        probes: Those that ran.
        left_out: Those that did not, each with its reason in a sentence.
        budget: Steps, batch size, learning rate, seed and method, in words.
    """

    probes: tuple[Probe, ...]
    left_out: tuple[str, ...]
    budget: str
