"""Relearning: what short training or rounding of a checkpoint brings back."""

from __future__ import annotations

from auditor.core.record import Count, Record, Share
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.interventions import InterventionName


class ProbePoint(Record):
    """The scores after some steps of a probe."""

    steps: Count
    """Training steps so far; 0 is the checkpoint as it is. A rounding is one step."""

    suspect: Estimate
    """Bits per byte of the suspect documents that are scored."""

    heldout: Estimate
    """Of the held-out ones."""

    gap: Estimate
    """Held-out less suspect. For relearn-half this is the twin difference: held-out half after training on the
    other held-out half, less suspect half after training on the other suspect half."""

    auc: Estimate
    """Chance that a suspect group has fewer bits per byte than a held-out one; for relearn-half each document's
    loss is the mean over the two relearned models, so that the luck of a training touches both sides alike. It is a
    figure, not the test: see `Probe`."""

    placebo_gap: Estimate | None
    """The same gap for the placebo set against held-out; None where it was not given or does not apply."""


class Probe(Record):
    """One intervention on one checkpoint."""

    name: InterventionName
    """`relearn-half`, `reminder` or `quantise`."""

    method: str
    """`lora`, `full` or `rounding`, in words with its settings."""

    points: tuple[ProbePoint, ...]
    """The curve, from step 0."""

    after_p_value: Share
    """One-sided permutation p-value that suspect documents score better after it: the largest statistic over the
    steps and over three readings of the loss, per byte, per token, and per byte less the loss at the origin. Null:
    groups are exchangeable between the sets. Exact: the training never depends on which side a scored document is
    on."""

    rise_p_value: Share
    """The same for the gain since step 0."""

    p_value: Share
    """The larger of the two: both must hold (intersection-union test)."""

    p_adjusted: Share
    """Over all probes and probed checkpoints (Holm)."""

    placebo_p_value: Share | None
    """As `p_value` for the placebo set instead of the suspect set. A small one shows that the probe brings back what
    was never there; the probe then counts for nothing."""

    recovered: bool
    """p_adjusted at or below the level, and the placebo did not recover."""


class Relearning(Record):
    """The interventions on one checkpoint."""

    probes: tuple[Probe, ...]
    """Those that ran."""

    not_run: tuple[str, ...]
    """Those that did not, each with its reason in a sentence."""

    budget: str
    """Steps, batch size, learning rate, seed and method, in words."""
